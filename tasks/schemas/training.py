"""What is known of a training: its epochs, its attempts, and the model that came of it."""

from typing import Any

from tasks.schemas.references import ModelReference, Record

LEARNED = "learned"


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
