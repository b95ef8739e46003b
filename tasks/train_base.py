"""Train-base: the model of all classes, whose backbone is transferred later."""

from functools import partial
from typing import TYPE_CHECKING

from tasks.networks.architecture import base_head, build_backbone, build_head, join
from tasks.networks.attempts import train_until_healthy
from tasks.networks.models import store_trained
from tasks.networks.recipe import Training
from tasks.schemas.references import Split
from tasks.schemas.training import TrainedModel
from tasks.storage.records import current_checkpoint, current_store
from tasks.storage.stages import stage

if TYPE_CHECKING:
    import keras


def build_base(classes: int, scaling: float, training: Training, seed: int) -> "keras.Sequential":
    """A new network: images of 0..255 (n, 28, 28, 1) in, probabilities (n, classes) out."""
    backbone = build_backbone(scaling, training, seed)
    head = build_head(base_head(classes), backbone.output_shape[-1], training, seed)
    return join(backbone, head, "base")


@stage("train-base")
def train_base(split: Split, scaling: float, training: Training, seed: int) -> TrainedModel:
    """Train the base model on one-hot labels and store it.

    Raises:
        DeadModelError: No attempt learned every class.
    """
    store = current_store()
    model, attempts = train_until_healthy(
        "base",
        partial(build_base, split.labels.shape[1], scaling, training),
        store.array(split.inputs),
        store.array(split.labels),
        training,
        seed,
        current_checkpoint(),
    )
    return store_trained(store, model, attempts, training)
