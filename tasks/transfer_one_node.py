"""Transfer-one-node: a sigmoid head whose single node is the probability of the second class."""

from collections.abc import Sequence

from tasks.networks.architecture import ONE_NODE
from tasks.networks.recipe import Training
from tasks.networks.transfer import transfer
from tasks.schemas.images import ClassName
from tasks.schemas.references import ArrayReference, Split
from tasks.schemas.training import TrainedModel
from tasks.storage.stages import stage


@stage("transfer-one-node")
def transfer_one_node(
    base: TrainedModel,
    features: Split,
    classes: Sequence[ClassName],
    training: Training,
    seed: int,
    held_out: ArrayReference,
) -> TrainedModel:
    """Train a sigmoid head on the features of the frozen backbone; see `transfer`."""
    return transfer(base, features, classes, ONE_NODE, training, seed, held_out)
