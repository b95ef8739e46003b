"""What is kept of a training from epoch to epoch, so that a later run can resume."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import RemoteError
from tasks.networks.recipe import Training
from tasks.schemas.references import Record
from tasks.schemas.training import Attempt, History
from tasks.storage.checkpoints import Checkpoint, checkpoints
from tasks.storage.store import Store


class Notes(Record):
    """What a checkpoint says beside the variables."""

    name: str
    epochs: int
    dead: tuple[Attempt, ...]
    history: History


@dataclass(frozen=True)
class AttemptCheckpointer:
    """Keeps one attempt's state in the checkpoint of its stage, if it has one."""

    checkpoint: Checkpoint | None
    name: str
    training: Training
    dead: tuple[Attempt, ...]
    is_hopeless: Callable[[History], bool]

    def restore(self, variables: list[Any]) -> History:
        """Resume where this attempt was, or from the start if nothing was kept of it."""
        saved = read_checkpoint(self.checkpoint)
        if saved is None or saved[1].dead != self.dead:
            return History()
        for variable, value in zip(variables, saved[0], strict=True):
            variable.assign(value)
        return saved[1].history

    def keep(self, variables: list[Any], history: History) -> None:
        """Write the checkpoint."""
        if self.checkpoint is None:
            return
        notes = Notes(name=self.name, epochs=self.training.epochs, dead=self.dead, history=history)
        self.checkpoint.save([np.asarray(v) for v in variables], notes.model_dump_json())

    def is_over(self, history: History) -> bool:
        """Whether the attempt is hopeless already."""
        return self.is_hopeless(history)


def read_checkpoint(checkpoint: Checkpoint | None) -> tuple[list[NDArray[Any]], Notes] | None:
    """Variables and notes of a checkpoint; None if there is none."""
    saved = checkpoint.load() if checkpoint else None
    return (saved[0], Notes.model_validate_json(saved[1])) if saved else None


def describe_unfinished(store: Store) -> str:
    """From where the next run resumes, in words, after one was interrupted."""
    try:
        found = [read_checkpoint(checkpoint) for checkpoint in checkpoints(store)]
    except RemoteError:  # perhaps that is why the run was interrupted
        found = []
    notes = [saved[1] for saved in found if saved]
    if not notes:
        return "the next run resumes the stage that was interrupted"
    last, done = notes[-1], len(notes[-1].history.epochs)
    return f"the next run resumes {last.name} from epoch {done + 1} of {last.epochs}"
