"""The transfers of a study, groups of them for a worker each, and what is kept of each."""

from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from tasks.networks.architecture import ONE_NODE, HeadSpecification, softmax_head
from tasks.networks.recipe import Training
from tasks.schemas.images import ClassName
from tasks.schemas.references import ArrayReference, Dataset, Record
from tasks.schemas.training import LEARNED, Attempt
from tasks.storage.source import source_sha256
from tasks.storage.stages import inputs_sha256, library_versions
from tasks.storage.store import Store, read_arrays, write_arrays

# Fewer would be asked for more often, more would leave a worker without work at a study's end.
MOST_HEADS = 4
FOLDER = "trials"
READERS = 16

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


@dataclass(frozen=True)
class TrialResult:
    """What came of a trial, of whose attempts the last one learned, or all are dead."""

    trial: Trial
    attempts: tuple[Attempt, ...]
    weights_sha256: str  # empty if all are dead
    # (n, classes) of the n test images of its classes, in the order of all; (0, classes) if dead
    probabilities: NDArray[np.float32]

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


class Notes(Record):
    """What is kept of a result beside the probabilities."""

    attempts: tuple[Attempt, ...]
    weights_sha256: str


def keep(store: Store, group: Group, result: TrialResult) -> None:
    """Keep the result of one trial of a group, atomically."""
    notes = Notes(attempts=result.attempts, weights_sha256=result.weights_sha256)
    name, text = _name(group, result.trial), notes.model_dump_json()
    write_arrays(store, name, [result.probabilities], text)


def find_all(store: Store, group: Group) -> dict[Trial, TrialResult]:
    """What was kept of a group, undamaged; many at a time, since each takes its time elsewhere."""
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(partial(_find, store, group), group.trials)
        return {result.trial: result for result in found if result}


def _find(store: Store, group: Group, trial: Trial) -> TrialResult | None:
    kept = read_arrays(store, _name(group, trial))
    if kept is None:
        return None
    (probabilities,), text = kept
    notes = Notes.model_validate_json(text)
    return TrialResult(trial, notes.attempts, notes.weights_sha256, probabilities)


def _name(group: Group, trial: Trial) -> str:
    """Named by all that decides the result: inputs, source and library versions."""
    described = {"trial": trial, "features": group.features, "training": group.training}
    inputs = inputs_sha256(described | {"held_out": group.held_out})
    source = source_sha256("tasks.trials.worker")
    return f"{FOLDER}/{sha256(f'{inputs} {source} {library_versions()}'.encode()).hexdigest()}"
