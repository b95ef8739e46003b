"""What is seen of training: a bar on a terminal, a line an epoch elsewhere, a bar in the UI."""

from contextlib import suppress
from functools import partial
from typing import Any

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.context import TaskRunContext
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn


class ShownProgress(Progress):
    """A context manager: a description, a bar, these columns, and the time that is left.

    No bar without a terminal, nothing outside a task run; in the UI `key`, which `what` explains,
    while it lasts: what is left of a run is what it found.
    """

    def __init__(self, key: str, what: str, percentage: float, *columns: ProgressColumn) -> None:
        console, in_task = Console(stderr=True), TaskRunContext.get() is not None
        shown = TextColumn("{task.description}"), BarColumn(), *columns, TimeRemainingColumn()
        super().__init__(*shown, console=console, disable=not (console.is_terminal and in_task))
        self._log = get_run_logger() if in_task and self.disable else None
        self._artifact: Any = None
        with suppress(httpx.HTTPError):  # what the UI shows is not worth a training
            if in_task:
                self._artifact = create_progress_artifact(percentage, key=key, description=what)

    def stop(self) -> None:
        """The end, to which a context manager comes by itself."""
        super().stop()
        if self._artifact:
            with suppress(httpx.HTTPError, ObjectNotFound), get_client(sync_client=True) as client:
                client.delete_artifact(self._artifact)

    def publish(self, percentage: float, line: str) -> None:
        """Show in the UI how far it is, and say it in a line."""
        with suppress(httpx.HTTPError):
            if self._artifact:
                update_progress_artifact(self._artifact, percentage, description=line)


class EpochProgress(ShownProgress):
    """One training, of which some epochs have ended; it is told of images seen and of epochs."""

    def __init__(self, title: str, epochs: int, images: int, ended: int) -> None:
        self._title, self._epochs, self._ended = title, epochs, ended
        percent, what = TextColumn("{task.percentage:>3.0f} %"), f"Training of {title}."
        super().__init__(f"training-{title}", what, 100 * ended / epochs, percent)
        first = f"{title}: epoch {ended + 1}/{epochs}"
        task = self.add_task(first, total=epochs * images, completed=ended * images)
        self.seen = partial(self.advance, task)
        if ended and self._log:
            self._log.info("%s: resumes after epoch %d/%d", title, ended, epochs)

    def epoch_ended(self, loss: float, accuracy: float) -> None:
        """An epoch ended with this mean loss and accuracy (0..1) on the training images."""
        self._ended += 1
        epoch = f"{self._title}: epoch {self._ended}/{self._epochs}"
        line = f"{epoch}, loss {loss:.5f}, accuracy {accuracy:.4f}"
        self.update(self.task_ids[0], description=line)
        self.publish(100 * self._ended / self._epochs, line)
        if self._log:
            self._log.info(line, extra={"is_last": self._ended == self._epochs})
