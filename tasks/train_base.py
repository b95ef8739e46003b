"""Train-base: the model of all classes, whose backbone is transferred later."""

from collections.abc import Sequence
from functools import partial

from tasks.networks.architecture import build_base
from tasks.networks.attempts import train_until_healthy
from tasks.networks.models import store_trained
from tasks.networks.recipe import Training
from tasks.schemas.images import ClassName
from tasks.schemas.references import ArrayReference, Split
from tasks.schemas.training import TrainedModel
from tasks.storage.records import current_checkpoint, current_store
from tasks.storage.stages import stage


@stage("train-base")
def train_base(
    split: Split,
    classes: Sequence[ClassName],
    scaling: float,
    training: Training,
    seed: int,
    held_out: ArrayReference,
    centred: bool = False,
) -> TrainedModel:
    """Train the base model on one-hot labels and store it; DeadModelError if no attempt learned.

    The images are uint8 (n, height, width, channels); those that are held out, bool (n,), calibrate
    the model. Where they are `centred`, their mean is subtracted in the model: dark strokes on a
    light ground are hardly learned without it.
    """
    store = current_store()
    inputs, targets = store.array(split.inputs), store.array(split.labels)
    mean = float(inputs.mean()) if centred else 0.0
    build = partial(build_base, inputs.shape[1:], len(classes), scaling, training, mean=mean)
    mask = store.array(held_out)
    trained = train_until_healthy(
        "base", build, inputs, targets, training, seed, current_checkpoint(), classes, mask
    )
    return store_trained(store, *trained, training)
