"""What a training stage returns."""

from typing import TYPE_CHECKING, Any

from tasks.networks.checkpointing import Attempt
from tasks.networks.models import add_model
from tasks.networks.recipe import Training
from tasks.schemas.references import ModelReference, Record
from tasks.storage.store import Store

if TYPE_CHECKING:
    import keras


class TrainedModel(Record):
    """A stored model and how it came to be."""

    name: str
    model: ModelReference
    attempts: tuple[Attempt, ...]
    precision: str

    def identity(self) -> Any:
        """The model alone: the same weights, trained in another time, are the same model."""
        return self.model.identity()


def store_trained(
    store: Store, model: "keras.Model", attempts: tuple[Attempt, ...], training: Training
) -> TrainedModel:
    """Store a healthy model under its name, with the attempts that led to it."""
    return TrainedModel(
        name=model.name,
        model=add_model(store, model.name, model),
        attempts=attempts,
        precision=training.precision,
    )
