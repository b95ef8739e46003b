"""Transfer-two-node: a softmax head, with a node for each class of the subset."""

from tasks.networks.architecture import softmax_head
from tasks.networks.recipe import Training
from tasks.networks.transfer import transfer
from tasks.schemas.training import TrainedModel, TrainingData
from tasks.storage.stages import stage


@stage("transfer-two-node")
def transfer_two_node(
    base: TrainedModel, features: TrainingData, training: Training, seed: int
) -> TrainedModel:
    """Train a softmax head on the features of the frozen backbone; see `transfer`."""
    return transfer(base, features, softmax_head(len(features.classes)), training, seed)
