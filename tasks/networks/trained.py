"""What a training stage returns."""

from typing import TYPE_CHECKING, Any

from tasks.networks.training import EpochResult, Fit
from tasks.storage.models import add_model
from tasks.storage.references import ModelReference, Record
from tasks.storage.store import Store

if TYPE_CHECKING:
    import keras


class TrainedModel(Record):
    """A stored model and how it came to be."""

    name: str
    model: ModelReference
    history: tuple[EpochResult, ...]
    fit_seconds: float
    attempts: int

    def identity(self) -> Any:
        """The model alone: the same weights, trained in another time, are the same model."""
        return self.model.identity()


def store_trained(store: Store, name: str, model: "keras.Model", fit: Fit) -> TrainedModel:
    """Store a model that was trained, under its name."""
    return TrainedModel(
        name=name,
        model=add_model(store, name, model),
        history=fit.history,
        fit_seconds=fit.seconds,
        attempts=1,
    )
