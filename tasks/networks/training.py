"""The training loop: epochs in an order that follows from the seed."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.networks.compilation import TrainOn, compile_training
from tasks.networks.progress import EpochProgress
from tasks.networks.recipe import Training
from tasks.networks.seeds import epoch_order
from tasks.storage.references import Record

if TYPE_CHECKING:
    import keras

PART_BATCHES = 20  # one call into the graph: short enough for a bar that moves and for Ctrl-C


class EpochResult(Record):
    """Mean loss and share of correct predictions over an epoch, as the weights changed."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Fit:
    """What training a network took and how it went."""

    history: tuple[EpochResult, ...]
    seconds: float


def fit(
    model: "keras.Model",
    inputs: NDArray[Any],
    targets: NDArray[np.float32],
    training: Training,
    seed: int,
) -> Fit:
    """Train a model in place.

    Args:
        model: Takes `inputs` (n, ...) of any numeric dtype, gives probabilities (n, nodes).
        inputs: Images uint8 (n, 28, 28, 1) or features float32 (n, 1152).
        targets: float32 (n, nodes), one-hot rows or, for one node, 0 and 1.
        training: Loss, optimizer and lengths.
        seed: The order of every epoch follows from it.

    Raises:
        ValueError: The targets' shape is not that of the model's output, which a mean squared
            error would broadcast without a word.
    """
    if targets.shape != (len(inputs), model.output_shape[-1]):
        raise ValueError(f"targets {targets.shape} do not fit the output {model.output_shape}")
    train_on = compile_training(model, inputs, targets, training)
    part = PART_BATCHES * training.batch_size
    started = time.perf_counter()
    with EpochProgress(model.name, training.epochs, len(inputs)) as progress:
        history = []
        for epoch in range(training.epochs):
            order = epoch_order(len(inputs), seed, epoch)
            parts = [order[start : start + part] for start in range(0, len(order), part)]
            history.append(_run_epoch(train_on, parts, progress))
            progress.epoch_ended(history[-1].loss, history[-1].accuracy)
    return Fit(tuple(history), time.perf_counter() - started)


def _run_epoch(
    train_on: TrainOn, parts: list[NDArray[np.int32]], progress: EpochProgress
) -> EpochResult:
    loss = hits = images = 0.0
    for rows in parts:
        part_loss, part_hits = train_on(rows)
        loss, hits, images = loss + float(part_loss), hits + float(part_hits), images + len(rows)
        progress.seen(len(rows))
    return EpochResult(loss=loss / images, accuracy=hits / images)
