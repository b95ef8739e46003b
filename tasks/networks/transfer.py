"""Transfer: a new head, trained on the features of a frozen backbone and joined to it."""

from tasks.networks.architecture import HeadSpecification, build_head, join
from tasks.networks.attempts import train_until_healthy
from tasks.networks.inference import Model
from tasks.networks.losses import targets_for
from tasks.networks.models import count_trainable, read_model, store_trained
from tasks.networks.recipe import Training
from tasks.schemas.training import TrainedModel, TrainingData
from tasks.storage.stages import current_checkpoint, current_store, get_run_logger


def transfer(
    base: TrainedModel,
    features: TrainingData,
    head: HeadSpecification,
    training: Training,
    seed: int,
) -> TrainedModel:
    """Train a head on features float32 (n, m), store it with its backbone; or DeadModelError."""
    store, split, names = current_store(), features.split, features.classes
    model = build_head(head, split.inputs.shape[1], training)
    inputs = store.array(split.inputs)
    targets = targets_for(head.nodes, store.array(split.labels))
    checkpoint, mask = current_checkpoint(), store.array(features.held_out)
    trained = train_until_healthy(model, inputs, targets, training, seed, checkpoint, names, mask)
    joined = join(freeze_backbone(read_model(store.verified(base.model))), trained.model)
    return store_trained(store, trained._replace(model=joined), training)


def freeze_backbone(base: Model) -> Model:
    """The backbone of a base model, no longer trainable; logs what that does to its layers."""
    backbone, before = base.get_layer("backbone"), count_trainable(base)
    backbone.trainable = False
    lines = [
        f"  {layer.name:<20}{layer.output.shape[1:]!s:<16}{layer.count_params():>10,}"
        f"   {'frozen' if part is backbone else 'trainable'}"
        for part in base.layers
        for layer in part.layers
        if layer.weights
    ]
    get_run_logger().info(
        f"The {base.name} model, {base.count_params():,} parameters, trainable {before:,} before "
        f"freezing and {count_trainable(base):,} after:\n" + "\n".join(lines)
    )
    return backbone
