"""What is seen of training: a bar on a terminal, a line an epoch elsewhere, a bar in the UI."""

from contextlib import suppress
from typing import Any

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import TaskRunContext
from prefect.logging import get_run_logger
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn


class TerminalBar(Progress):
    """A context manager: a description, a bar, these columns, and the time that is left.

    It is disabled where there is no terminal, and outside of a task run: workers and benchmarks.
    """

    def __init__(self, *columns: ProgressColumn) -> None:
        console = Console(stderr=True)
        shown = TextColumn("{task.description}"), BarColumn(), *columns, TimeRemainingColumn()
        disable = not (console.is_terminal and TaskRunContext.get())
        super().__init__(*shown, console=console, disable=disable)


class EpochProgress(TerminalBar):
    """One training; it is told of images seen and epochs ended."""

    def __init__(self, title: str, epochs: int, images: int, ended: int) -> None:
        super().__init__(TextColumn("{task.percentage:>3.0f} %"))
        self._title, self._epochs, self._ended = title, epochs, ended
        in_task = TaskRunContext.get() is not None
        self._log = get_run_logger() if in_task and self.disable else None
        self._task = self.add_task(
            f"{title}: epoch {ended + 1}/{epochs}", total=epochs * images, completed=ended * images
        )
        self._artifact: Any = None
        if in_task:
            with suppress(httpx.HTTPError):  # a bar in the UI is not worth a training
                self._artifact = create_progress_artifact(
                    self._percentage(), key=f"training-{title}", description=f"Training of {title}."
                )
        if ended and self._log:
            self._log.info("%s: resumes after epoch %d/%d", title, ended, epochs)

    def seen(self, images: int) -> None:
        """Some more images of the current epoch were trained on."""
        self.advance(self._task, images)

    def epoch_ended(self, loss: float, accuracy: float) -> None:
        """An epoch ended with this mean loss and accuracy (0..1) on the training images."""
        self._ended += 1
        epoch = f"{self._title}: epoch {self._ended}/{self._epochs}"
        line = f"{epoch}, loss {loss:.5f}, accuracy {accuracy:.4f}"
        self.update(self._task, description=line)
        if self._artifact:
            with suppress(httpx.HTTPError):
                update_progress_artifact(self._artifact, self._percentage(), description=line)
        if self._log:
            self._log.info(line)

    def _percentage(self) -> float:
        return 100 * self._ended / self._epochs
