"""Heads of one shape as one network: a batched matrix product instead of many small ones."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InputError
from tasks.networks.architecture import HeadSpecification, build_head_stack
from tasks.networks.compilation import count_hits
from tasks.networks.losses import per_image_loss
from tasks.networks.optimizers import build_stack_optimizer
from tasks.networks.recipe import Training

PREDICTED_AT_ONCE = 2000


class HeadStack:
    """Heads side by side, each in a place of its own, and one optimizer for all of them.

    A loss and an optimizer that treat every weight by itself give each head the gradients and
    the steps that it would have alone, to the rounding of a matrix product.
    """

    def __init__(
        self, specification: HeadSpecification, features: int, training: Training, places: int
    ) -> None:
        """Build and compile for so many heads.

        Raises:
            InputError: The training does something to a head that depends on its neighbours.
        """
        import tensorflow as tf

        check_stackable(training)
        tf.config.experimental.enable_op_determinism()
        self._places = places
        self._loss = per_image_loss(training.loss, specification.nodes, training.label_smoothing)
        self._model = build_head_stack(specification, features, training, places)
        self._optimizer = build_stack_optimizer(training, places)
        self._optimizer.build(self._model.trainable_variables)
        data = tf.TensorSpec([None, features], tf.float32)
        rows = tf.TensorSpec([None, places, None], tf.int32)
        targets = tf.TensorSpec([None, places, None, specification.nodes], tf.float32)
        shares = tf.TensorSpec([None, places, None], tf.float32)
        self._train = tf.function(self._train_batches, [data, rows, targets, shares])
        self._predict = tf.function(
            self._predict_rows, [data, tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)]
        )

    def start(self, place: int, weights: Sequence[NDArray[np.float32]]) -> None:
        """Put a head with these weights, as `build_head` has them, into a place."""
        for variable, values in zip(self._model.trainable_variables, weights, strict=True):
            _put(variable, place, values.T)  # of a bias, that is the bias
        for variable in self._optimizer.variables:
            if len(variable.shape):  # moments and steps are each head's own, a learning rate is not
                _put(variable, place, 0)

    def weights(self, place: int) -> list[NDArray[np.float32]]:
        """The weights of one head, as `build_head` has them."""
        layers = [layer.trainable_variables for layer in self._model.layers]
        return [
            np.array(values)
            for kernel, bias in layers
            for values in (np.transpose(kernel[place]), bias[place][0])
        ]

    def train(
        self,
        features: Any,
        rows: NDArray[np.int32],
        targets: NDArray[np.float32],
        shares: NDArray[np.float32],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Train each head on b batches of its own.

        Args:
            features: float32 (k, m), a tensor.
            rows: Which of them, int32 (b, places, n).
            targets: float32 (b, places, n, nodes).
            shares: Each image's share in the mean of its batch, float32 (b, places, n); images of
                share 0 fill up a batch and are not seen.

        Returns:
            Sum of losses and number of hits in each place, float32 (places,).
        """
        losses, found = self._train(features, rows, targets, shares)
        return np.asarray(losses), np.asarray(found)

    def predict(self, features: Any, place: int, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """Probabilities (n, nodes) that the head in a place gives for some features."""
        parts = [
            np.asarray(self._predict(features, rows[start : start + PREDICTED_AT_ONCE], place))
            for start in range(0, len(rows), PREDICTED_AT_ONCE)
        ]
        return np.concatenate(parts)

    def _train_batches(self, data: Any, rows: Any, targets: Any, shares: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        losses = hits = tf.zeros([self._places])
        for number in tf.range(tf.shape(rows)[0]):
            batch = tf.gather(data, rows[number])
            more = self._train_batch(batch, targets[number], shares[number])
            losses, hits = losses + more[0], hits + more[1]
        return losses, hits

    def _train_batch(self, batch: Any, targets: Any, shares: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            probabilities = self._model(batch, training=True)
            losses = self._loss(targets, probabilities)
            loss = tf.reduce_sum(losses * shares)
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        seen = tf.cast(shares > 0, tf.float32)
        hits = count_hits(targets, probabilities)
        return tf.reduce_sum(losses * seen, axis=1), tf.reduce_sum(hits * seen, axis=1)

    def _predict_rows(self, data: Any, rows: Any, place: Any) -> Any:
        import tensorflow as tf

        hidden, output = self._model.layers
        outputs = tf.gather(data, rows)[None]
        for layer in (hidden, output):
            kernel, bias = (variable[place][None] for variable in layer.trainable_variables)
            outputs = layer.activation(tf.matmul(outputs, kernel, transpose_b=True) + bias)
        return outputs[0]


@lru_cache
def head_stack(
    specification: HeadSpecification, features: int, training: Training, places: int
) -> HeadStack:
    """The stack of this shape; compiling one takes a second, so a process keeps it."""
    return HeadStack(specification, features, training, places)


def check_stackable(training: Training) -> None:
    """Whether heads can be trained side by side this way.

    Raises:
        InputError: They cannot: a dropout's masks, a schedule's length and the moment at which
            averaged weights are taken would be those of all heads, not each head's own.
    """
    for setting in ("dropout", "warm_up", "averaging"):
        if getattr(training, setting):
            raise InputError(
                f"heads with {setting} {getattr(training, setting)} cannot be trained together; "
                f"a study needs a recipe whose heads have {setting} 0"
            )


def _put(variable: Any, place: int, values: Any) -> None:
    array = np.asarray(variable).copy()
    array[place] = values
    variable.assign(array)
