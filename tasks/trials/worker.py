"""What a worker does: it trains the heads of a group, one after another, and keeps each result."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.data.splits import Subset, encode, select_classes
from tasks.networks.architecture import HeadSpecification, build_head
from tasks.networks.attempts import calibrate, make_attempts
from tasks.networks.hardware import use_one_thread
from tasks.networks.inference import class_probabilities, run
from tasks.networks.losses import targets_for
from tasks.networks.models import weights_sha256
from tasks.networks.recipe import Training
from tasks.networks.training import Compiled, mapped_tensor
from tasks.schemas.training import LEARNED
from tasks.storage.store import Store
from tasks.trials.trial import Group, Trial, TrialResult, find_all, keep

MOST_COMPILED = 4  # two heads, each by two recipes


def train_group(address: str, refresh: bool, group: Group) -> list[TrialResult]:
    """Train the trials of a group on one thread, and keep each when it is through.

    The artifacts' address is all that a worker on another machine needs to know. Unless `refresh`
    is set, a group whose worker died resumes where it was.
    """
    use_one_thread()
    store = Store.at(address)
    kept = {} if refresh else find_all(store, group)
    return [*kept.values(), *_train(store, group.without(kept))]


def _train(store: Store, group: Group) -> Iterator[TrialResult]:
    features = mapped_tensor(store.verified(group.features.train.inputs))
    labels = np.asarray(store.array(group.features.train.labels))
    held_out = np.asarray(store.array(group.held_out))
    for trial in group.trials:
        subset = select_classes(labels, trial.classes)
        compiled = _compiled(trial.specification, features.shape[1], group.training)
        targets = _targets(trial, subset, len(labels))
        of_subset = np.isin(np.arange(len(labels)), subset.rows)
        rows = np.flatnonzero(of_subset & ~held_out).astype(np.int32)
        names = [group.classes[label] for label in trial.classes] if group.classes else ()
        attempts = make_attempts(
            trial.head, compiled, features, targets, rows, trial.seed, names=names
        )
        digest, probabilities = "", np.empty((0, len(trial.classes)), np.float32)
        if attempts[-1].outcome == LEARNED:
            calibrate(compiled.model, features, targets, of_subset & held_out)
            digest = weights_sha256(compiled.model)
            probabilities = _test(store, group, trial, compiled)
        result = TrialResult(trial, attempts, digest, probabilities)
        keep(store, group, result)
        yield result


def _targets(trial: Trial, subset: Subset, images: int) -> NDArray[np.float32]:
    """Targets (images, nodes), of which only the subset's rows are looked at."""
    nodes = trial.specification.nodes
    targets = np.zeros((images, nodes), np.float32)
    targets[subset.rows] = targets_for(nodes, encode(subset.labels, len(trial.classes)))
    return targets


def _test(store: Store, group: Group, trial: Trial, compiled: Compiled) -> NDArray[np.float32]:
    test = group.features.test
    rows = select_classes(np.asarray(store.array(test.labels)), trial.classes).rows
    inputs = np.asarray(mapped_tensor(store.verified(test.inputs)))
    return class_probabilities(run(compiled.model, inputs[rows]))


@lru_cache(MOST_COMPILED)
def _compiled(specification: HeadSpecification, features: int, training: Training) -> Compiled:
    """A head that is compiled once, for any number of images."""
    return Compiled(
        build_head(specification, features, training),
        np.empty((1, features), np.float32),
        np.empty((1, specification.nodes), np.float32),
        training,
    )
