"""A network, its loss and its optimizer, compiled into one TensorFlow graph."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.networks.losses import per_image_loss
from tasks.networks.recipe import Training

if TYPE_CHECKING:
    import keras

TrainOn: TypeAlias = Callable[[NDArray[np.int32]], tuple[Any, Any]]


def compile_training(
    model: "keras.Model", inputs: NDArray[Any], targets: NDArray[np.float32], training: Training
) -> TrainOn:
    """A function that trains on rows of the inputs, batch after batch, without leaving the graph.

    The inputs stay in memory once, in their own dtype; a batch becomes float only inside the
    model. Keras's `fit` takes two to three times as long on a small head.

    Returns:
        Row numbers int32 (m,) in, sum of losses and number of correct predictions out.
    """
    import keras
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()

    image_losses = per_image_loss(training.loss, targets.shape[1])
    optimizer = keras.optimizers.get(
        {"class_name": training.optimizer, "config": {"learning_rate": training.learning_rate}}
    )
    optimizer.build(model.trainable_variables)
    resident_inputs, resident_targets = tf.constant(inputs), tf.constant(targets)

    def train_batch(rows: Any) -> tuple[Any, Any]:
        expected = tf.gather(resident_targets, rows)
        with tf.GradientTape() as tape:
            probabilities = model(tf.gather(resident_inputs, rows), training=True)
            losses = image_losses(expected, probabilities)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return tf.reduce_sum(losses), tf.reduce_sum(_hits(expected, probabilities))

    def train_on(rows: Any) -> tuple[Any, Any]:
        loss = hits = tf.constant(0.0)
        for start in tf.range(0, tf.size(rows), training.batch_size):
            batch_loss, batch_hits = train_batch(rows[start : start + training.batch_size])
            loss, hits = loss + batch_loss, hits + batch_hits
        return loss, hits

    compiled: TrainOn = tf.function(train_on, [tf.TensorSpec([None], tf.int32)])
    return compiled


def _hits(expected: Any, probabilities: Any) -> Any:
    """1.0 for each correct prediction: the largest node, or one node on the right side of 0.5."""
    import keras

    if expected.shape[1] == 1:
        return keras.metrics.binary_accuracy(expected, probabilities)
    return keras.metrics.categorical_accuracy(expected, probabilities)
