"""What is kept of a training from epoch to epoch, so that a later run can go on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import RemoteError
from tasks.networks.recipe import Training
from tasks.networks.training import Course
from tasks.storage.checkpoints import Checkpoint, checkpoints
from tasks.storage.references import Record
from tasks.storage.store import Store

LEARNED = "learned"


class Attempt(Record):
    """One initialisation: its seed, how its training went, and `LEARNED` or why it is dead."""

    seed: int
    course: Course
    outcome: str


class Notes(Record):
    """What a checkpoint says beside the variables."""

    name: str
    epochs: int
    dead: tuple[Attempt, ...]
    course: Course


@dataclass(frozen=True)
class AttemptKeeper:
    """Keeps one attempt's state in the checkpoint of its stage."""

    checkpoint: Checkpoint
    name: str
    training: Training
    dead: tuple[Attempt, ...]
    is_hopeless: Callable[[Course], bool]

    def restore(self, variables: list[Any]) -> Course:
        """Go on where this attempt was, or from the start if nothing was kept of it."""
        saved = read_checkpoint(self.checkpoint)
        if saved is None or saved[1].dead != self.dead:
            return Course()
        for variable, value in zip(variables, saved[0], strict=True):
            variable.assign(value)
        return saved[1].course

    def keep(self, variables: list[Any], course: Course) -> None:
        """Write the checkpoint."""
        notes = Notes(name=self.name, epochs=self.training.epochs, dead=self.dead, course=course)
        self.checkpoint.save([np.asarray(v) for v in variables], notes.model_dump_json())

    def is_over(self, course: Course) -> bool:
        """Whether the attempt is hopeless already."""
        return self.is_hopeless(course)


def read_checkpoint(checkpoint: Checkpoint) -> tuple[list[NDArray[Any]], Notes] | None:
    """Variables and notes of a checkpoint; None if there is none."""
    saved = checkpoint.load()
    return saved and (saved[0], Notes.model_validate_json(saved[1]))


def describe_unfinished(store: Store) -> str:
    """From where the next run goes on, in words, after one was interrupted."""
    try:
        found = [read_checkpoint(checkpoint) for checkpoint in checkpoints(store)]
    except RemoteError:  # perhaps that is why the run was interrupted
        found = []
    notes = [saved[1] for saved in found if saved]
    if not notes:
        return "the next run goes on with the stage that was interrupted"
    last, done = notes[-1], len(notes[-1].course.epochs)
    return f"the next run goes on with {last.name} from epoch {done + 1} of {last.epochs}"
