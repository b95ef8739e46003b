"""Transfer: a frozen backbone, and a new head trained on its features."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.networks.architecture import HeadSpecification, build_head, join
from tasks.networks.attempts import train_until_healthy
from tasks.networks.inference import run
from tasks.networks.keeping import Attempt
from tasks.networks.recipe import Training
from tasks.networks.summary import log_summary
from tasks.networks.targets import targets_for
from tasks.networks.trained import TrainedModel, store_trained
from tasks.storage.checkpoints import Checkpoint
from tasks.storage.models import load_model
from tasks.storage.records import current_checkpoint
from tasks.storage.references import Split
from tasks.storage.store import Store

if TYPE_CHECKING:
    import keras


def train_head(
    base: "keras.Sequential",
    specification: HeadSpecification,
    images: NDArray[np.uint8],
    one_hot: NDArray[np.float32],
    training: Training,
    seed: int,
    checkpoint: Checkpoint,
) -> "tuple[keras.Sequential, tuple[Attempt, ...]]":
    """Put a new head on the frozen backbone of `base` and train it.

    A frozen backbone is a fixed function, so its features are computed once and not in every
    epoch; see "feature extraction" in Keras's transfer-learning guide.

    Args:
        base: A model with a layer named `backbone`, which becomes frozen.
        specification: The head's output nodes.
        images: uint8 (n, 28, 28, 1).
        one_hot: The images' labels, float32 (n, classes).
        training: How the head is trained.
        seed: The run's.
        checkpoint: Where the head's training is kept after each epoch.

    Returns:
        The joined model, images in and probabilities out, and the attempts it took.

    Raises:
        DeadModelError: No attempt learned.
    """
    backbone = base.get_layer("backbone")
    log_summary(base, "before freezing")
    backbone.trainable = False
    log_summary(base, "after freezing")
    features = run(backbone, images)
    head, attempts = train_until_healthy(
        specification.name,
        partial(build_head, specification, features.shape[1], training),
        features,
        targets_for(specification.nodes, one_hot),
        training,
        seed,
        checkpoint,
    )
    return join(backbone, head, specification.name), attempts


def transfer(
    store: Store,
    base: TrainedModel,
    split: Split,
    specification: HeadSpecification,
    training: Training,
    seed: int,
) -> TrainedModel:
    """Train a head on a split with one-hot labels and store the joined model."""
    model, attempts = train_head(
        load_model(store, base.model),
        specification,
        store.array(split.images),
        store.array(split.labels),
        training,
        seed,
        current_checkpoint(),
    )
    return store_trained(store, model, attempts, training)
