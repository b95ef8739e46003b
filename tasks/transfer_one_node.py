"""Transfer-one-node: a sigmoid head whose single node is the probability of the second class."""

from tasks.networks.architecture import ONE_NODE
from tasks.networks.recipe import Training
from tasks.networks.transfer import transfer
from tasks.schemas.training import TrainedModel, TrainingData
from tasks.storage.stages import stage


@stage("transfer-one-node")
def transfer_one_node(
    base: TrainedModel, features: TrainingData, training: Training, seed: int
) -> TrainedModel:
    """Train a sigmoid head on the features of the frozen backbone; see `transfer`."""
    return transfer(base, features, ONE_NODE, training, seed)
