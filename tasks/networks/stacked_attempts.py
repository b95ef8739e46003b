"""Attempts at many heads at once: side by side until each is healthy, or has had its attempts."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.networks.architecture import HeadSpecification, build_head
from tasks.networks.epochs import plan_epoch
from tasks.networks.gate import HealthGate
from tasks.networks.health import MOST_ATTEMPTS
from tasks.networks.keeping import LEARNED, Attempt
from tasks.networks.recipe import Training
from tasks.networks.seeds import derive_seed
from tasks.networks.stack import HeadStack, head_stack
from tasks.networks.training import Course, EpochResult

KEPT_HEADS = 16  # every subset starts from the same few seeds; the weights of a head are 0.9 MB

Weights: TypeAlias = list[NDArray[np.float32]]


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


class Ended(NamedTuple):
    """A head that is through: its number, every attempt, its weights if the last learned."""

    head: int
    attempts: tuple[Attempt, ...]
    weights: Weights | None


def train_heads_until_healthy(
    specification: HeadSpecification,
    features: Any,
    heads: Sequence[HeadData],
    training: Training,
) -> Iterator[Ended]:
    """Train heads of one shape together, again and again until each is healthy.

    Seeds, orders, batches and the examination are those of `train_until_healthy`.

    Args:
        specification: The heads' output nodes.
        features: Of all images, a float32 tensor (k, m).
        heads: What each is trained on.
        training: How they are trained.

    Yields:
        Each head as soon as it is through.
    """
    attempts: dict[int, tuple[Attempt, ...]] = dict.fromkeys(range(len(heads)), ())
    while attempts:
        runs = [
            HeadRun(number, heads[number], training, _seed(specification, heads[number], tried))
            for number, tried in attempts.items()
        ]
        for run, outcome, weights in _train_side_by_side(specification, features, runs, training):
            attempt = Attempt(seed=run.seed, course=run.course, outcome=outcome)
            tried = attempts[run.head] = (*attempts[run.head], attempt)
            if outcome == LEARNED or len(tried) == MOST_ATTEMPTS:
                del attempts[run.head]
                yield Ended(run.head, tried, weights if outcome == LEARNED else None)


class HeadRun:
    """One attempt at one head on its way through the epochs, batch by batch."""

    def __init__(self, head: int, data: HeadData, training: Training, seed: int) -> None:
        self.head, self.seed, self.course = head, seed, Course()
        self._data, self._training = data, training
        self._begin_epoch()

    @property
    def batches_left(self) -> int:
        """Batches until the end of the epoch, 1 or more."""
        return len(self._rows) - self._next

    @property
    def is_over(self) -> bool:
        """Whether the last epoch has ended."""
        return len(self.course.epochs) == self._training.epochs

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
        self.course = self.course.after(epoch, seconds)
        self._begin_epoch()
        return True

    def gate(self, predict: Callable[[NDArray[np.int32]], NDArray[np.float32]]) -> HealthGate:
        """The gate of this attempt; `predict` gives the head's output for rows of the features."""
        return HealthGate(
            lambda rows: predict(self._data.rows[rows]),
            self._data.targets,
            self._training.batch_size,
        )

    def _begin_epoch(self) -> None:
        images, size = len(self._data.rows), self._training.batch_size
        plan = plan_epoch(self._training, images, self.seed, len(self.course.epochs))
        width = min(size, images)
        self._rows = np.zeros((len(plan.bounds) - 1, width), np.int32)
        self._rows.flat[:images] = plan.rows
        sizes = np.diff(plan.bounds)[:, None]
        self._shares = np.where(np.arange(width) < sizes, 1 / sizes, 0).astype(np.float32)
        self._next, self._sums = 0, np.zeros(3)


@lru_cache(KEPT_HEADS)
def initial_weights(
    specification: HeadSpecification, features: int, training: Training, seed: int
) -> Weights:
    """The weights that a head starts from when it is trained alone from this seed."""
    weights: Weights = build_head(specification, features, training, seed).get_weights()
    return weights


def _seed(specification: HeadSpecification, data: HeadData, tried: Sequence[Attempt]) -> int:
    return derive_seed(data.seed, specification.name, len(tried))


def _train_side_by_side(
    specification: HeadSpecification, features: Any, runs: Sequence[HeadRun], training: Training
) -> Iterator[tuple[HeadRun, str, Weights]]:
    """Gives each attempt as soon as it is over, with its outcome and the head's weights."""
    size = features.shape[1]
    stack = head_stack(specification, size, training, _room(len(runs)))
    stack.start([initial_weights(specification, size, training, run.seed) for run in runs])
    places = dict(enumerate(runs))
    while places:
        for place in _train_until_an_epoch_ends(stack, features, places):
            run = places[place]
            gate = run.gate(partial(stack.predict, features, place))
            if run.is_over or gate.is_hopeless(run.course):
                yield run, gate.diagnosis(run.course) or LEARNED, stack.weights(place)
                del places[place]
        if places and _room(len(places)) < stack.heads:
            smaller = head_stack(specification, size, training, _room(len(places)))
            smaller.take_over(stack, list(places))
            stack, places = smaller, dict(enumerate(places.values()))


def _room(heads: int) -> int:
    """Places for so many heads: a power of two, so that few shapes of stacks are compiled.

    Never one alone: TensorFlow sums up the product of a single matrix in another order, and a
    head would depend, in its last bits, on whether it has neighbours.
    """
    return max(2, 1 << (heads - 1).bit_length())


def _train_until_an_epoch_ends(
    stack: HeadStack, features: Any, places: dict[int, HeadRun]
) -> list[int]:
    """The places in which an epoch ended."""
    batches = min(run.batches_left for run in places.values())
    started = time.perf_counter()
    losses, hits = stack.train(features, *_side_by_side(stack.heads, places, batches))
    seconds = (time.perf_counter() - started) / len(places)
    return [
        place
        for place, run in places.items()
        if run.saw(batches, losses[place], hits[place], seconds)
    ]


def _side_by_side(heads: int, places: dict[int, HeadRun], batches: int) -> list[NDArray[Any]]:
    """Rows, targets and shares of each place's next batches; 0 where there is no image."""
    parts = {place: run.next_batches(batches) for place, run in places.items()}
    together = []
    for arrays in zip(*parts.values(), strict=True):
        width = max(array.shape[1] for array in arrays)
        whole = np.zeros((batches, heads, width, *arrays[0].shape[2:]), arrays[0].dtype)
        for place, array in zip(parts, arrays, strict=True):
            whole[:, place, : array.shape[1]] = array
        together.append(whole)
    return together
