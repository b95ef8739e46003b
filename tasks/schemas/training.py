"""What is known of a training: its data, epochs and attempts, and the model that came of it."""

from typing import Any

from tasks.schemas.images import ClassName
from tasks.schemas.references import ArrayReference, ModelReference, Record, Split

LEARNED = "learned"


class TrainingData(Record):
    """What a network learns from: n images or features with one-hot labels, and their classes."""

    split: Split
    classes: tuple[ClassName, ...]
    held_out: ArrayReference  # bool (n,), those that calibrate it


class HeldOut(Record):
    """Which of n training images calibrate models: bool (n,), those that none is trained on.

    Where images are few that is none of them, and for each of the folds, bool (n,), another
    network is trained without it.
    """

    always: ArrayReference
    folds: tuple[ArrayReference, ...] = ()


class EpochResult(Record):
    """Mean loss and share of correct predictions over an epoch, as the weights changed."""

    loss: float
    accuracy: float


class History(Record):
    """How a training has gone so far."""

    epochs: tuple[EpochResult, ...] = ()
    seconds: float = 0.0


class Attempt(Record):
    """One initialisation: its seed, how its training went, and `LEARNED` or why it is dead."""

    seed: int
    history: History
    outcome: str


class TrainedModel(Record):
    """A stored model and how it came to be."""

    name: str
    model: ModelReference
    attempts: tuple[Attempt, ...]
    temperature: float  # by which what enters the last softmax or sigmoid is divided in the model
    precision: str

    def identity(self) -> Any:
        """The model alone: the same weights, trained in another time, are the same model."""
        return self.model.identity()


class Fold(Record):
    """A network, n images or features with one-hot labels, and those it did not see, bool (n,)."""

    trained: TrainedModel
    split: Split
    held_out: ArrayReference
