"""The training loop: epochs in an order that follows from the seed."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.networks.compilation import Compiled, as_tensors
from tasks.networks.epochs import EpochPlan, plan_epoch
from tasks.networks.progress import EpochProgress
from tasks.schemas.training import EpochResult, History

PART_BATCHES = 20  # one call into the graph: short enough for a bar that moves and for Ctrl-C


class Checkpointer(Protocol):
    """Keeps the state of a training from epoch to epoch, and may end it early."""

    def restore(self, variables: list[Any]) -> History:
        """Set the variables to what was kept, and return the history so far."""

    def keep(self, variables: list[Any], history: History) -> None:
        """Keep the state at the end of an epoch."""

    def is_over(self, history: History) -> bool:
        """Whether more epochs are pointless."""


def fit(
    compiled: Compiled,
    inputs: Any,
    targets: Any,
    seed: int,
    checkpointer: Checkpointer,
    rows: NDArray[np.int32] | None = None,
) -> History:
    """Train a compiled model in place, from the last epoch that was kept.

    An epoch depends on the state before it, the seed and its number alone, so a training that
    was interrupted ends with the same weights as one that was not. Of inputs and targets, arrays
    or tensors as `train_until_healthy` has them, rows int32 (m,) are trained on, or all. Raises
    ValueError if the targets' shape is not the output's: a mean squared error would broadcast it.
    """
    model, training, shape = compiled.model, compiled.training, tuple(targets.shape)
    if shape != (len(inputs), model.output_shape[-1]):
        raise ValueError(f"targets {shape} do not fit the output {model.output_shape}")
    train_on = partial(compiled.train_on, *as_tensors(inputs, targets))
    rows = np.arange(len(inputs), dtype=np.int32) if rows is None else rows
    epochs, history = training.epochs_for(len(rows)), checkpointer.restore(compiled.variables)
    with EpochProgress(model.name, epochs, len(rows), len(history.epochs)) as progress:
        while len(history.epochs) < epochs and not checkpointer.is_over(history):
            started = time.perf_counter()
            plan = plan_epoch(training, len(rows), seed, len(history.epochs), inputs.shape[1:])
            epoch = run_epoch(train_on, replace(plan, rows=rows[plan.rows]), progress.seen)
            seconds = history.seconds + time.perf_counter() - started
            history = History(epochs=(*history.epochs, epoch), seconds=seconds)
            checkpointer.keep(compiled.variables, history)
            progress.epoch_ended(epoch.loss, epoch.accuracy)
    compiled.finish()
    return history


def run_epoch(
    train_on: Callable[..., tuple[Any, Any]], plan: EpochPlan, seen: Callable[[int], None]
) -> EpochResult:
    """One epoch, or several, as planned; `seen` is told of images, part by part."""
    loss = hits = 0.0
    for first in range(0, len(plan.bounds) - 1, PART_BATCHES):
        bounds = plan.bounds[first : first + PART_BATCHES + 1]
        part = slice(bounds[0], bounds[-1])
        part_loss, part_hits = train_on(plan.rows[part], plan.transforms[part], bounds - bounds[0])
        loss, hits = loss + float(part_loss), hits + float(part_hits)
        seen(int(bounds[-1] - bounds[0]))
    return EpochResult(loss=loss / len(plan.rows), accuracy=hits / len(plan.rows))
