"""Train-base: the model of all classes, whose backbone is transferred later."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.networks.architecture import base_head, build_backbone, build_head, join
from tasks.networks.recipe import Training
from tasks.networks.seeds import derive_seed
from tasks.networks.trained import TrainedModel, store_trained
from tasks.networks.training import Fit, fit
from tasks.storage.caching import stage
from tasks.storage.records import current_store
from tasks.storage.references import Split

if TYPE_CHECKING:
    import keras


def train_from_scratch(
    images: NDArray[np.uint8],
    targets: NDArray[np.float32],
    scaling: float,
    training: Training,
    seed: int,
) -> "tuple[keras.Sequential, Fit]":
    """A new network, trained: images uint8 (n, 28, 28, 1), targets one-hot (n, classes)."""
    backbone = build_backbone(scaling, seed)
    head = build_head(base_head(targets.shape[1]), backbone.output_shape[-1], seed)
    model = join(backbone, head, "base")
    return model, fit(model, images, targets, training, seed)


@stage("train-base")
def train_base(split: Split, scaling: float, training: Training, seed: int) -> TrainedModel:
    """Train the base model on one-hot labels and store it."""
    store = current_store()
    model, trained = train_from_scratch(
        store.array(split.images),
        store.array(split.labels),
        scaling,
        training,
        derive_seed(seed, "base"),
    )
    return store_trained(store, model.name, model, trained)
