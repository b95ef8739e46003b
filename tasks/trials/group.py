"""Trials that one worker trains, and what runs them."""

from collections.abc import Callable, Container, Iterator, Sequence
from typing import TypeAlias

from tasks.networks.recipe import Training
from tasks.schemas.references import Dataset, Record
from tasks.trials.trial import Trial, TrialResult

# Fewer would be asked for more often, more would leave a worker without work at a study's end.
MOST_HEADS = 4


class Group(Record):
    """Trials by the same recipe on the same features.

    Attributes:
        trials: What is trained.
        features: Of all images, float32 (n, m), with labels uint8 (n,) of 0..9.
        training: How the heads are trained.
    """

    trials: tuple[Trial, ...]
    features: Dataset
    training: Training

    def without(self, trials: Container[Trial]) -> "Group":
        """The same group without these trials."""
        left = tuple(trial for trial in self.trials if trial not in trials)
        return self.model_copy(update={"trials": left})

    def batches(self) -> Iterator["Group"]:
        """The same trials in groups for a worker each, with heads of one shape."""
        heads = dict.fromkeys(trial.head for trial in self.trials)
        for head in heads:
            same = [trial for trial in self.trials if trial.head == head]
            for part in _parts(same):
                yield self.model_copy(update={"trials": tuple(part)})


def _parts(trials: Sequence[Trial]) -> Iterator[Sequence[Trial]]:
    for start in range(0, len(trials), MOST_HEADS):
        yield trials[start : start + MOST_HEADS]


# Trains one group, wherever it is called.
Train: TypeAlias = Callable[[Group], list[TrialResult]]

Runner: TypeAlias = Callable[[Train, Sequence[Group]], Iterator[list[TrialResult]]]
