"""What is seen of training: a bar on a terminal, a line an epoch elsewhere, a bar in the UI."""

from contextlib import suppress
from typing import Any, Self

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import TaskRunContext
from prefect.logging import get_run_logger
from rich.progress import TextColumn

from tasks.networks.bar import terminal_bar


class EpochProgress:
    """A context manager around one training; it is told of images seen and epochs ended."""

    def __init__(self, title: str, epochs: int, images: int, ended: int) -> None:
        self._title, self._epochs, self._ended = title, epochs, ended
        self._bar = terminal_bar(TextColumn("{task.percentage:>3.0f} %"))
        self._log = get_run_logger() if self._bar.disable else None
        self._task = self._bar.add_task(
            f"{title}: epoch {ended + 1}/{epochs}", total=epochs * images, completed=ended * images
        )
        self._artifact: Any = None
        if TaskRunContext.get():  # benchmarks train outside of Prefect
            with suppress(httpx.HTTPError):  # a bar in the UI is not worth a training
                self._artifact = create_progress_artifact(
                    self._percentage(), key=f"training-{title}", description=f"Training of {title}."
                )
        if ended and self._log:
            self._log.info("%s: resumes after epoch %d/%d", title, ended, epochs)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def seen(self, images: int) -> None:
        """Some more images of the current epoch were trained on."""
        self._bar.advance(self._task, images)

    def epoch_ended(self, loss: float, accuracy: float) -> None:
        """An epoch ended with this mean loss and accuracy (0..1) on the training images."""
        self._ended += 1
        line = (
            f"{self._title}: epoch {self._ended}/{self._epochs}, "
            f"loss {loss:.5f}, accuracy {accuracy:.4f}"
        )
        self._bar.update(self._task, description=line)
        if self._artifact:
            with suppress(httpx.HTTPError):
                update_progress_artifact(self._artifact, self._percentage(), description=line)
        if self._log:
            self._log.info(line)

    def _percentage(self) -> float:
        return 100 * self._ended / self._epochs
