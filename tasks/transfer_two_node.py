"""Transfer-two-node: a softmax head, with a node for each class of the subset."""

from collections.abc import Sequence

from tasks.networks.architecture import softmax_head
from tasks.networks.recipe import Training
from tasks.networks.transfer import transfer
from tasks.schemas.images import ClassName
from tasks.schemas.references import ArrayReference, Split
from tasks.schemas.training import TrainedModel
from tasks.storage.stages import stage


@stage("transfer-two-node")
def transfer_two_node(
    base: TrainedModel,
    features: Split,
    classes: Sequence[ClassName],
    training: Training,
    seed: int,
    held_out: ArrayReference,
) -> TrainedModel:
    """Train a softmax head on the features of the frozen backbone; see `transfer`."""
    return transfer(base, features, classes, softmax_head(len(classes)), training, seed, held_out)
