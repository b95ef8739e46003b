"""What a worker does: it trains a group of heads side by side and keeps each result."""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.filter import select_classes
from tasks.networks.architecture import HeadSpecification, build_head
from tasks.networks.head_run import HeadData
from tasks.networks.inference import class_probabilities, run
from tasks.networks.models import weights_sha256
from tasks.networks.recipe import Training
from tasks.networks.stacked_attempts import Ended, train_heads_until_healthy
from tasks.networks.targets import targets_for
from tasks.networks.tensors import mapped_tensor
from tasks.networks.threads import use_one_thread
from tasks.one_hot import encode
from tasks.storage.store import Store
from tasks.trials.cache import find_all, keep
from tasks.trials.group import Group
from tasks.trials.trial import Trial, TrialResult

if TYPE_CHECKING:
    import keras


def train_group(address: str, refresh: bool, group: Group) -> list[TrialResult]:
    """Train the trials of a group together, on one thread, and keep each when it is through.

    Args:
        address: Of the artifacts; all that a worker on another machine needs to know.
        refresh: Train what is kept already, too. Otherwise a group whose worker died resumes where
            it was.
        group: Trials of one head.
    """
    use_one_thread()
    store = Store.at(address)
    results = {} if refresh else find_all(store, group)
    found = [*results.values()]
    for part in group.without(results).batches():
        found.extend(_train(store, part))
    return found


def _train(store: Store, group: Group) -> Iterator[TrialResult]:
    train = group.features.train
    labels = np.asarray(store.array(train.labels))
    heads = [_data(trial, labels) for trial in group.trials]
    for ended in train_heads_until_healthy(
        group.trials[0].specification,
        mapped_tensor(store.verified(train.inputs), train.inputs.shape),
        heads,
        group.training,
    ):
        result = _test(store, group, ended)
        keep(store, group, result)
        yield result


def _data(trial: Trial, labels: NDArray[np.uint8]) -> HeadData:
    rows, relabelled = select_classes(labels, trial.classes, "train")
    one_hot = encode(relabelled, len(trial.classes))
    targets = targets_for(trial.specification.nodes, one_hot)
    return HeadData(rows.astype(np.int32), targets, trial.seed)


def _test(store: Store, group: Group, ended: Ended) -> TrialResult:
    """What a head makes of the test images of its classes."""
    trial, test = group.trials[ended.head], group.features.test
    if ended.weights is None:
        nothing = np.empty((0, len(trial.classes)), np.float32)
        return TrialResult(trial, ended.attempts, "", nothing)
    head = _head(trial.specification, test.inputs.shape[1], group.training)
    head.set_weights(ended.weights)
    rows = select_classes(np.asarray(store.array(test.labels)), trial.classes, "test").rows
    inputs = np.asarray(mapped_tensor(store.verified(test.inputs), test.inputs.shape))
    probabilities = class_probabilities(run(head, inputs[rows]))
    return TrialResult(trial, ended.attempts, weights_sha256(head), probabilities)


@lru_cache
def _head(
    specification: HeadSpecification, features: int, training: Training
) -> "keras.Sequential":
    return build_head(specification, features, training, seed=0)
