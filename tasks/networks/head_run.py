"""One attempt at one head of several that are trained side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.networks.checkpointing import LEARNED, Attempt
from tasks.networks.epochs import plan_epoch
from tasks.networks.gate import HealthGate
from tasks.networks.recipe import Training
from tasks.networks.seeds import derive_seed
from tasks.networks.training import EpochResult, History


@dataclass(frozen=True)
class HeadData:
    """What one head is trained on.

    Attributes:
        rows: Its images among the features of all, int32 (n,).
        targets: Their targets, float32 (n, nodes).
        seed: Its attempts' seeds follow from it, as they do when it is trained alone.
    """

    rows: NDArray[np.int32]
    targets: NDArray[np.float32]
    seed: int


class HeadRun:
    """One attempt at one head on its way through the epochs, batch by batch."""

    def __init__(
        self,
        head: int,
        data: HeadData,
        name: str,
        training: Training,
        dead: tuple[Attempt, ...] = (),
    ) -> None:
        """Begin.

        Args:
            head: The head's number.
            data: What it is trained on.
            name: What it is called, as in `two-node`.
            training: How it is trained.
            dead: Earlier attempts at it.
        """
        self.head, self.history = head, History()
        self.seed = derive_seed(data.seed, name, len(dead))
        self._data, self._name, self._training, self._dead = data, name, training, dead
        self._begin_epoch()

    @property
    def batches_left(self) -> int:
        """Batches until the end of the epoch, 1 or more."""
        return len(self._rows) - self._next

    def next_batches(self, count: int) -> list[NDArray[Any]]:
        """Rows, targets and shares of so many batches, as `HeadStack.train` takes them."""
        part = slice(self._next, self._next + count)
        chosen = self._rows[part]
        return [self._data.rows[chosen], self._data.targets[chosen], self._shares[part]]

    def saw(self, batches: int, loss: float, hits: float, seconds: float) -> bool:
        """Note what came of some batches; gives whether an epoch ended with them."""
        self._next += batches
        self._sums += (loss, hits, seconds)
        if self.batches_left:
            return False
        loss, hits, seconds = (float(value) for value in self._sums)
        images = len(self._data.rows)
        epoch = EpochResult(loss=loss / images, accuracy=hits / images)
        self.history = self.history.after(epoch, seconds)
        self._begin_epoch()
        return True

    def outcome(self, predict: Callable[[NDArray[np.int32]], NDArray[np.float32]]) -> str:
        """`LEARNED`, or why the head is dead; empty while the attempt resumes.

        Args:
            predict: Gives the head's output for rows of the features, after an epoch.
        """
        gate = HealthGate(
            lambda rows: predict(self._data.rows[rows]),
            self._data.targets,
            self._training.batch_size,
        )
        is_over = len(self.history.epochs) == self._training.epochs
        if is_over or gate.is_hopeless(self.history):
            return gate.diagnosis(self.history) or LEARNED
        return ""

    def attempts_with(self, outcome: str) -> tuple[Attempt, ...]:
        """All attempts at this head so far, this one with its outcome the last."""
        return (*self._dead, Attempt(seed=self.seed, history=self.history, outcome=outcome))

    def next_attempt(self, dead: tuple[Attempt, ...]) -> "HeadRun":
        """Another attempt at the same head, after these."""
        return HeadRun(self.head, self._data, self._name, self._training, dead)

    def _begin_epoch(self) -> None:
        images, size = len(self._data.rows), self._training.batch_size
        plan = plan_epoch(self._training, images, self.seed, len(self.history.epochs))
        width = min(size, images)
        self._rows = np.zeros((len(plan.bounds) - 1, width), np.int32)
        self._rows.flat[:images] = plan.rows
        sizes = np.diff(plan.bounds)[:, None]
        self._shares = np.where(np.arange(width) < sizes, 1 / sizes, 0).astype(np.float32)
        self._next, self._sums = 0, np.zeros(3)


def side_by_side(running: Mapping[int, HeadRun], places: int, batches: int) -> list[NDArray[Any]]:
    """Rows, targets and shares of the next batches in all places; 0 where there is no image."""
    parts = {place: run.next_batches(batches) for place, run in running.items()}
    together = []
    for arrays in zip(*parts.values(), strict=True):
        width = max(array.shape[1] for array in arrays)
        whole = np.zeros((batches, places, width, *arrays[0].shape[2:]), arrays[0].dtype)
        for place, array in zip(parts, arrays, strict=True):
            whole[:, place, : array.shape[1]] = array
        together.append(whole)
    return together
