"""Training: a network, its loss and optimizer in one TensorFlow graph, and epochs after a seed."""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.networks.architecture import reseed
from tasks.networks.epochs import EpochPlan, plan_epoch
from tasks.networks.inference import Model
from tasks.networks.losses import per_image_loss
from tasks.networks.progress import EpochProgress
from tasks.networks.recipe import Training
from tasks.schemas.references import Array, Floats
from tasks.schemas.training import EpochResult, History
from tasks.storage.store import reading

PART_BATCHES = 20  # one call into the graph: short enough for a bar that moves and for Ctrl-C


class Compiled:
    """A training, compiled for rows of data, and started from one seed's weights after another's.

    The data are handed to the graph at each call: one that captured them would keep them for as
    long as the process lives. A graph for each number of steps would cost seconds, and 11 MB.

    `train_on` trains on rows of inputs and targets as an `EpochPlan` says, and gives the sum of
    losses and the number of hits; `finish` gives the final weights. Training changes `variables`.
    """

    def __init__(self, model: Model, inputs: Array, targets: Floats, training: Training) -> None:
        """Compile a new network for data like inputs and targets."""
        import tensorflow as tf

        self.model, self.training = model, training
        tf.config.experimental.enable_op_determinism()
        self.steps = [tf.Variable(count) for count in scheduled_steps(training, len(inputs))]
        optimizer = build_optimizer(training, *self.steps)
        optimizer.build(model.trainable_variables)
        self.variables = [*model.variables, *optimizer.variables]
        self.finish = partial(optimizer.finalize_variable_values, model.trainable_variables)
        data = [tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in (inputs, targets)]
        integers, floats = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, None], tf.float32)
        loop = _training_loop(model, optimizer, training, targets.shape[1])
        self.train_on = tf.function(loop, [*data, integers, floats, integers])
        self._untrained = [np.asarray(variable).copy() for variable in self.variables]

    def start(self, seed: int, images: int) -> "Compiled":
        """The same network with the weights of a seed, and an optimizer that saw nothing."""
        # A warm-up is as long as a training on so many images makes it.
        assign(self.variables, self._untrained)
        reseed(self.model, seed)
        assign(self.steps, scheduled_steps(self.training, images))
        return self


def _training_loop(model: Model, optimizer: Any, training: Training, nodes: int) -> Any:
    import keras
    import tensorflow as tf

    image_losses = per_image_loss(training.loss, nodes, training.label_smoothing)
    hits_of = keras.metrics.binary_accuracy if nodes == 1 else keras.metrics.categorical_accuracy

    def train_batch(batch: Any, expected: Any, transforms: Any) -> tuple[Any, Any]:
        if training.augmentation:
            batch = keras.ops.image.affine_transform(batch, transforms)
        with tf.GradientTape() as tape:
            probabilities = model(batch, training=True)
            losses = image_losses(expected, probabilities)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return tf.reduce_sum(losses), tf.reduce_sum(hits_of(expected, probabilities))

    def train_on(x: Any, y: Any, rows: Any, transforms: Any, bounds: Any) -> tuple[Any, Any]:
        loss = hits = tf.constant(0.0)
        for number in tf.range(tf.size(bounds) - 1):
            part = slice(bounds[number], bounds[number + 1])
            batch, expected = tf.gather(x, rows[part]), tf.gather(y, rows[part])
            batch_loss, batch_hits = train_batch(batch, expected, transforms[part])
            loss, hits = loss + batch_loss, hits + batch_hits
        return loss, hits

    return train_on


def scheduled_steps(training: Training, images: int) -> tuple[float, float]:
    """Steps of the warm-up, and from there to the end of a training on so many images."""
    batches, epochs = training.batches(images), training.epochs_for(images)
    warm_up = float(round(training.warm_up * batches * (epochs / training.epochs)))
    return warm_up, epochs * batches - warm_up


def build_optimizer(training: Training, warm_up: Any, decay: Any) -> Any:
    """A new optimizer; the steps of a warm-up and of the decay after it are variables.

    With a warm-up the step size follows Loshchilov and Hutter's cosine (SGDR, 2017) to 0.
    """
    from keras.optimizers import SGD, Adam, schedules

    rate: Any = training.learning_rate
    if training.warm_up:
        rate = schedules.CosineDecay(0.0, decay, warmup_target=rate, warmup_steps=warm_up)
    average = {"use_ema": training.averaging > 0, "ema_momentum": training.averaging or 0.99}
    if training.optimizer == "sgd":
        return SGD(rate, **average)
    weight_decay = training.weight_decay or None
    return Adam(rate, beta_2=training.beta_2, weight_decay=weight_decay, **average)


def as_tensors(inputs: Array, targets: Floats) -> tuple[Any, Any]:
    """The data as a graph takes them; made once, they are not copied at each call."""
    import keras

    return keras.ops.convert_to_tensor(inputs), keras.ops.convert_to_tensor(targets)


@lru_cache(2)
def mapped_tensor(path: Path) -> Any:
    """An `.npy` file as a tensor in the memory of the page cache, shared by all processes."""
    # A worker goes from group to group on the same two, features to train on and to test.
    import tensorflow as tf

    # DLPack hands over writable arrays only: the mapping is copy-on-write, and nobody writes
    with reading(path):
        mapped = np.lib.format.open_memmap(path, mode="c")
    return tf.experimental.dlpack.from_dlpack(mapped.__dlpack__())


def assign(variables: Iterable[Any], values: Iterable[Any]) -> None:
    """Give each variable its value."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def fit(
    compiled: Compiled,
    inputs: Any,
    targets: Any,
    seed: int,
    rows: NDArray[np.int32] | None = None,
    history: History = History(),  # noqa: B008    # it is frozen
    keep: Callable[[History], None] = lambda history: None,
    is_over: Callable[[History], bool] = lambda history: False,
) -> History:
    """Train a compiled model in place, on from the history that its variables have.

    An epoch depends on the state before it, the seed and its number alone. Of inputs and targets
    rows int32 (m,) are trained on, or all. `keep` is told after each epoch, until it `is_over`.
    ValueError if the targets' shape is not the output's: a mean squared error would broadcast it.
    """
    model, training, shape = compiled.model, compiled.training, tuple(targets.shape)
    if shape != (len(inputs), model.output_shape[-1]):
        raise ValueError(f"targets {shape} do not fit the output {model.output_shape}")
    train_on = partial(compiled.train_on, *as_tensors(inputs, targets))
    rows = np.arange(len(inputs), dtype=np.int32) if rows is None else rows
    epochs, seen = training.epochs_for(len(rows)), training.images_in_epoch(len(rows))
    with EpochProgress(model.name, epochs, seen, len(history.epochs)) as progress:
        while len(history.epochs) < epochs and not is_over(history):
            started = time.perf_counter()
            plan = plan_epoch(training, len(rows), seed, len(history.epochs), inputs.shape[1:])
            epoch = run_epoch(train_on, plan._replace(rows=rows[plan.rows]), progress.seen)
            seconds = history.seconds + time.perf_counter() - started
            history = History(epochs=(*history.epochs, epoch), seconds=seconds)
            keep(history)
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
