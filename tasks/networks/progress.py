"""What is seen of training: a bar on a terminal, a line an epoch elsewhere."""

import logging
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from tasks.storage.stages import get_run_logger, in_task

RETRACING = "triggered tf.function retracing"  # as each network has a graph of its own
logging.getLogger("tensorflow").addFilter(lambda record: RETRACING not in record.getMessage())


class ShownProgress(Progress):
    """In a task's terminal a description, a bar, columns and the time left; elsewhere a log."""

    def __init__(self, *columns: ProgressColumn) -> None:
        console, is_task = Console(stderr=True), in_task()
        shown = TextColumn("{task.description}"), BarColumn(), *columns, TimeRemainingColumn()
        super().__init__(*shown, console=console, disable=not (console.is_terminal and is_task))
        self._log = get_run_logger() if is_task and self.disable else None


class EpochProgress(ShownProgress):
    """One training, of which some epochs have ended; it is told of images seen and of epochs."""

    def __init__(self, title: str, epochs: int, images: int, ended: int) -> None:
        self._title, self._epochs, self._ended = title, epochs, ended
        super().__init__(TextColumn("{task.percentage:>3.0f} %"))
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
        if self._log:
            self._log.info(line, extra={"is_last": self._ended == self._epochs})
