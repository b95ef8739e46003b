"""The transfers of a study: groups of them, what a worker does with one, and what is kept."""

import os
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache, partial

import numpy as np
from pydantic import ConfigDict, Field, SkipValidation
from pydantic_core import from_json

from tasks.data.splits import encode, select_classes
from tasks.networks.architecture import ONE_NODE, HeadSpecification, build_head, softmax_head
from tasks.networks.attempts import calibrate, make_attempts
from tasks.networks.hardware import use_one_thread
from tasks.networks.inference import class_probabilities, run
from tasks.networks.losses import targets_for
from tasks.networks.models import weights_sha256
from tasks.networks.recipe import Training
from tasks.networks.training import Compiled, mapped_tensor
from tasks.schemas.images import ClassName
from tasks.schemas.references import ArrayReference, Dataset, Floats, Record
from tasks.schemas.training import LEARNED, Attempt
from tasks.storage.stages import cache_key, decisive
from tasks.storage.store import Store, read_arrays, write_arrays

# Fewer would be asked for more often, more would leave a worker without work at a study's end.
MOST_HEADS = 4
FOLDER = "trials"
READERS = 16
MOST_COMPILED = 4  # two heads, each by two recipes
Classes = tuple[int, ...]


class Trial(Record):
    """A head, trained by a recipe from a seed."""

    recipe: str
    classes: Classes  # two or more different labels; they become 0, 1, ... in this order
    head: str  # `one-node`, `two-node`, `three-node`, ...
    seed: int

    @property
    def specification(self) -> HeadSpecification:
        """The head's output nodes."""
        return ONE_NODE if self.head == ONE_NODE.name else softmax_head(len(self.classes))


class TrialResult(Record):
    """What came of a trial, of whose attempts the last one learned, or all are dead."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    trial: Trial
    attempts: tuple[Attempt, ...]
    weights_sha256: str  # empty if all are dead
    # (n, classes) of the n test images of its classes, in the order of all; (0, classes) if dead
    probabilities: SkipValidation[Floats] = Field(exclude=True)

    @property
    def learned(self) -> bool:
        """Whether an attempt was healthy."""
        return self.attempts[-1].outcome == LEARNED


def all_trials(recipe: str, subsets: Sequence[Classes], seeds: Sequence[int]) -> list[Trial]:
    """Every subset with every head that can tell its classes apart, from every seed."""
    return [
        Trial(recipe=recipe, classes=subset, head=head, seed=seed)
        for subset in subsets
        for head in (softmax_head(len(subset)).name, ONE_NODE.name)
        if head != ONE_NODE.name or len(subset) == 2
        for seed in seeds
    ]


class Group(Record):
    """Trials by the same recipe on the same features of all images."""

    trials: tuple[Trial, ...]
    features: Dataset  # float32 (n, m), with labels (n,)
    held_out: ArrayReference  # of the training features, bool (n,): they calibrate the heads
    training: Training
    classes: tuple[ClassName, ...] = ()  # what the labels are called

    def without(self, trials: Container[Trial]) -> "Group":
        """The same group without these trials."""
        left = tuple(trial for trial in self.trials if trial not in trials)
        return self.model_copy(update={"trials": left})

    def batches(self) -> Iterator["Group"]:
        """The same trials in groups for a worker each, with heads of one shape."""
        for head in dict.fromkeys(trial.head for trial in self.trials):
            same = tuple(trial for trial in self.trials if trial.head == head)
            for start in range(0, len(same), MOST_HEADS):
                yield self.model_copy(update={"trials": same[start : start + MOST_HEADS]})


def train_group(address: str, refresh: bool, group: Group) -> list[TrialResult]:
    """Train a group's trials on one thread, each kept when through, to resume unless `refresh`."""
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
        nodes, one_hot = trial.specification.nodes, encode(subset.labels, len(trial.classes))
        targets = np.zeros((len(labels), nodes), np.float32)
        targets[subset.rows] = targets_for(nodes, one_hot)
        of_subset = np.isin(np.arange(len(labels)), subset.rows)
        rows = np.flatnonzero(of_subset & ~held_out).astype(np.int32)
        names = [group.classes[label] for label in trial.classes] if group.classes else ()
        attempts = make_attempts(compiled, features, targets, rows, trial.seed, names=names)
        digest, probabilities = "", np.empty((0, len(trial.classes)), np.float32)
        if attempts[-1].outcome == LEARNED:
            calibrate(compiled.model, features, targets, of_subset & held_out)
            digest = weights_sha256(compiled.model)
            probabilities = _test(store, group, trial, compiled)
        result = TrialResult(
            trial=trial, attempts=attempts, weights_sha256=digest, probabilities=probabilities
        )
        keep(store, group, result)
        yield result


def _test(store: Store, group: Group, trial: Trial, compiled: Compiled) -> Floats:
    test = group.features.test
    rows = select_classes(np.asarray(store.array(test.labels)), trial.classes).rows
    inputs = np.asarray(mapped_tensor(store.verified(test.inputs)))
    return class_probabilities(run(compiled.model, inputs[rows]))


@lru_cache(MOST_COMPILED)
def _compiled(specification: HeadSpecification, features: int, training: Training) -> Compiled:
    return Compiled(
        build_head(specification, features, training),
        np.empty((1, features), np.float32),
        np.empty((1, specification.nodes), np.float32),
        training,
    )


def keep(store: Store, group: Group, result: TrialResult) -> None:
    """Keep the result of one trial of a group, atomically."""
    name = _name(group, result.trial)
    write_arrays(store, name, [result.probabilities], result.model_dump_json())


def find_all(store: Store, group: Group) -> dict[Trial, TrialResult]:
    """What was kept of a group, undamaged; many at a time, since each takes its time elsewhere."""
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(partial(_find, store, group), group.trials)
        return {result.trial: result for result in found if result}


def _find(store: Store, group: Group, trial: Trial) -> TrialResult | None:
    kept = read_arrays(store, _name(group, trial))
    with suppress(ValueError, TypeError):  # of what is not ours
        (probabilities,), text = kept or ([], "")
        result = TrialResult(**from_json(text), probabilities=probabilities)
        if result.trial == trial and probabilities.shape[1:] == (len(trial.classes),):
            with suppress(OSError):  # it was used now, as `unneeded` wants to know
                os.utime(store.root / _name(group, trial))
            return result
    return None


def _name(group: Group, trial: Trial) -> str:
    """Named by all that decides the result: inputs, source and library versions."""
    described = {"trial": trial, "features": group.features, "training": group.training}
    inputs = described | {"held_out": group.held_out}
    return f"{FOLDER}/{cache_key(decisive('trial', __name__, inputs))}"
