"""Attempts at many heads at once: side by side until each is healthy, or has had its attempts."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.networks.architecture import HeadSpecification, initial_head_weights
from tasks.networks.checkpointing import LEARNED, Attempt
from tasks.networks.head_run import HeadData, HeadRun, side_by_side
from tasks.networks.health import MOST_ATTEMPTS
from tasks.networks.recipe import Training
from tasks.networks.stack import HeadStack, head_stack

# Weights and gradients of two heads stay in the processor's cache from step to step; of four and
# more they do not, each takes longer, and at a group's end more places are empty. Never one alone:
# TensorFlow sums up the product of a single matrix in another order, and a head would depend, in
# its last bits, on whether it has a neighbour.
PLACES = 2

Weights: TypeAlias = list[NDArray[np.float32]]


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
    """Train heads of one shape together, each again and again until it is healthy.

    Where an attempt is over another one begins. Seeds, orders, batches and the examination are
    those of `train_until_healthy`.

    Args:
        specification: The heads' output nodes.
        features: Of all images, a float32 tensor (k, m).
        heads: What each is trained on.
        training: How they are trained.

    Yields:
        Each head as soon as it is through.
    """
    name, size = specification.name, features.shape[1]
    waiting = deque(HeadRun(number, data, name, training) for number, data in enumerate(heads))
    running: dict[int, HeadRun] = {}
    stack = head_stack(specification, size, training, PLACES)
    while waiting or running:
        for place in range(PLACES):
            if waiting and place not in running:
                run = running[place] = waiting.popleft()
                stack.start(place, initial_head_weights(specification, size, run.seed))
        for run, outcome, weights in _train_until_some_are_over(stack, features, running):
            attempts = run.attempts_with(outcome)
            if outcome == LEARNED or len(attempts) == MOST_ATTEMPTS:
                yield Ended(run.head, attempts, weights if outcome == LEARNED else None)
            else:
                waiting.appendleft(run.next_attempt(attempts))


def _train_until_some_are_over(
    stack: HeadStack, features: Any, running: dict[int, HeadRun]
) -> Iterator[tuple[HeadRun, str, Weights]]:
    """Train until an epoch ends somewhere; gives up places whose attempt is over with it."""
    for place in _train_until_an_epoch_ends(stack, features, running):
        outcome = running[place].outcome(partial(stack.predict, features, place))
        if outcome:
            yield running.pop(place), outcome, stack.weights(place)


def _train_until_an_epoch_ends(
    stack: HeadStack, features: Any, running: dict[int, HeadRun]
) -> list[int]:
    """The places in which an epoch ended."""
    batches = min(run.batches_left for run in running.values())
    started = time.perf_counter()
    losses, hits = stack.train(features, *side_by_side(running, PLACES, batches))
    seconds = (time.perf_counter() - started) / len(running)
    return [
        place
        for place, run in running.items()
        if run.saw(batches, losses[place], hits[place], seconds)
    ]
