"""One transfer of a study, what came of it, and which transfers a study consists of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.networks.architecture import ONE_NODE, HeadSpecification, softmax_head
from tasks.schemas.references import Record
from tasks.schemas.training import LEARNED, Attempt

Classes = tuple[int, ...]


class Trial(Record):
    """A head, trained by a recipe from a seed."""

    recipe: str
    classes: Classes  # two or more different labels 0..9; they become 0, 1, ... in this order
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
