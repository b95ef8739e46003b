"""Train-base: the model of all classes, whose backbone is transferred later."""

from functools import partial

from tasks.networks.architecture import build_base
from tasks.networks.attempts import train_until_healthy
from tasks.networks.models import store_trained
from tasks.networks.recipe import Training
from tasks.schemas.references import Split
from tasks.schemas.training import TrainedModel
from tasks.storage.records import current_checkpoint, current_store
from tasks.storage.stages import stage


@stage("train-base")
def train_base(split: Split, scaling: float, training: Training, seed: int) -> TrainedModel:
    """Train the base model on one-hot labels and store it; DeadModelError if no attempt learned."""
    store = current_store()
    build = partial(build_base, split.labels.shape[1], scaling, training)
    inputs, targets = store.array(split.inputs), store.array(split.labels)
    model, attempts = train_until_healthy(
        "base", build, inputs, targets, training, seed, current_checkpoint()
    )
    return store_trained(store, model, attempts, training)
