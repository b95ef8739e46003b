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
from tasks.networks.optimizers import build_optimizer
from tasks.networks.recipe import Training

PREDICTED_AT_ONCE = 2000


class HeadStack:
    """Heads side by side, each in a place of its own, and one optimizer for all of them.

    A loss and an optimizer that treat every weight by itself give each head the gradients and
    the steps that it would have alone, to the rounding of a matrix product.
    """

    def __init__(
        self, specification: HeadSpecification, features: int, training: Training, heads: int
    ) -> None:
        """Build and compile for so many heads.

        Raises:
            InputError: The training does something to a head that depends on its neighbours.
        """
        import tensorflow as tf

        check_stackable(training)
        tf.config.experimental.enable_op_determinism()
        self.heads = heads
        self._loss = per_image_loss(training.loss, specification.nodes, training.label_smoothing)
        self._model = build_head_stack(specification, features, training, heads)
        self._optimizer = build_optimizer(training, batches=1)
        self._optimizer.build(self._model.trainable_variables)
        scalars = [variable for variable in self._optimizer.variables if not len(variable.shape)]
        self._scalars = [np.asarray(variable).copy() for variable in scalars]
        data = tf.TensorSpec([None, features], tf.float32)
        rows = tf.TensorSpec([None, heads, None], tf.int32)
        targets = tf.TensorSpec([None, heads, None, specification.nodes], tf.float32)
        shares = tf.TensorSpec([None, heads, None], tf.float32)
        self._train = tf.function(self._train_batches, [data, rows, targets, shares])
        self._predict = tf.function(
            self._predict_rows, [data, tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)]
        )

    def start(self, weights: Sequence[Sequence[NDArray[np.float32]]]) -> None:
        """Put heads with these weights, as `build_head` has them, into the first places."""
        scalars = iter(self._scalars)
        for variable in self._optimizer.variables:  # moments, which start from 0, and scalars
            variable.assign(np.zeros(variable.shape) if len(variable.shape) else next(scalars))
        for number, variable in enumerate(self._model.trainable_variables):
            values = np.zeros(variable.shape, np.float32)
            for place, head in enumerate(weights):
                values[place] = head[number]  # a bias (o,) fits its place (1, o)
            variable.assign(values)

    def take_over(self, other: "HeadStack", places: Sequence[int]) -> None:
        """Go on with the heads in these places of another stack, in this order."""
        for mine, theirs in zip(self._variables, other._variables, strict=True):
            values = np.asarray(theirs)
            if values.ndim:  # a scalar, as the number of steps, is that of all heads
                moved = np.zeros(mine.shape, values.dtype)
                moved[: len(places)] = values[list(places)]
                values = moved
            mine.assign(values)

    def weights(self, place: int) -> list[NDArray[np.float32]]:
        """The weights of one head, as `build_head` has them."""
        values = [np.array(variable[place]) for variable in self._model.trainable_variables]
        return [value[0] if len(value) == 1 else value for value in values]

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
            rows: Which of them, int32 (b, heads, n).
            targets: float32 (b, heads, n, nodes).
            shares: Each image's share in the mean of its batch, float32 (b, heads, n); images of
                share 0 fill up a batch and are not seen.

        Returns:
            Sum of losses and number of hits of each head, float32 (heads,).
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

    @property
    def _variables(self) -> list[Any]:
        return [*self._model.trainable_variables, *self._optimizer.variables]

    def _train_batches(self, data: Any, rows: Any, targets: Any, shares: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        losses = hits = tf.zeros([self.heads])
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
            outputs = layer.activation(tf.matmul(outputs, kernel) + bias)
        return outputs[0]


@lru_cache
def head_stack(
    specification: HeadSpecification, features: int, training: Training, heads: int
) -> HeadStack:
    """The stack of this shape; compiling one takes a second, so a process keeps it."""
    return HeadStack(specification, features, training, heads)


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
