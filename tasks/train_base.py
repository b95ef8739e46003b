"""Train-base: the model of all classes, whose backbone is transferred later."""

from tasks.networks.architecture import build_base
from tasks.networks.attempts import train_until_healthy
from tasks.networks.models import store_trained
from tasks.networks.recipe import Training
from tasks.schemas.training import TrainedModel, TrainingData
from tasks.storage.stages import current_checkpoint, current_store, stage


@stage("train-base")
def train_base(
    data: TrainingData, scaling: float, training: Training, seed: int, centred: bool = False
) -> TrainedModel:
    """Train the base on uint8 (n, h, w, channels) and store it; DeadModelError if none learned."""
    # Dark strokes on light are hardly learned unless they are `centred`, less their mean.
    store, classes, mask = current_store(), data.classes, current_store().array(data.held_out)
    inputs, targets = store.array(data.split.inputs), store.array(data.split.labels)
    mean = float(inputs.mean()) if centred else 0.0
    model = build_base(inputs.shape[1:], len(classes), scaling, training, mean=mean)
    trained = train_until_healthy(
        model, inputs, targets, training, seed, current_checkpoint(), classes, mask
    )
    return store_trained(store, trained, training)
