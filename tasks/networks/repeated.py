"""One network, compiled once and trained again and again."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.networks.compilation import compile_training
from tasks.networks.epochs import plan_epoch
from tasks.networks.recipe import Training
from tasks.networks.training import run_epoch

if TYPE_CHECKING:
    import keras

LEAST_BATCHES = 40


class RepeatedTraining:
    """Trains the same network from other weights on other data, without compiling it again.

    Compiling takes a second or two, which is more than a training on few images.
    """

    def __init__(
        self,
        build: "Callable[[int], keras.Model]",
        inputs: NDArray[Any],
        targets: NDArray[np.float32],
        training: Training,
    ) -> None:
        """Compile.

        Args:
            build: Makes the network with the initial weights that follow from a seed.
            inputs: Data of the shape (n, ...) and dtype that will be trained on.
            targets: Their targets, float32 (n, nodes).
            training: How to train; without a warm-up, whose length depends on the data.
        """
        self._build, self._training, self._model = build, training, build(0)
        self._compiled = compile_training(self._model, inputs, targets, training)
        self._fresh = [np.asarray(variable).copy() for variable in self._compiled.variables]

    def train(self, inputs: NDArray[Any], targets: NDArray[np.float32], seed: int) -> "keras.Model":
        """Train from the weights and in the order that follow from a seed.

        Few images are seen more often: there are 40 batches at least.

        Returns:
            The network, which the next training changes.
        """
        import keras

        for variable, value in zip(self._compiled.variables, self._fresh, strict=True):
            variable.assign(value)
        self._model.set_weights(self._build(seed).get_weights())
        data = keras.ops.convert_to_tensor(inputs), keras.ops.convert_to_tensor(targets)
        train_on, batch_size = partial(self._compiled.train_on, *data), self._training.batch_size
        for epoch in range(enough_epochs(self._training, len(inputs))):
            plan = plan_epoch(self._training, len(inputs), seed, epoch)
            run_epoch(train_on, plan, batch_size, lambda images: None)
        self._compiled.finish()
        return self._model


def enough_epochs(training: Training, images: int) -> int:
    """The recipe's epochs, or more where they have fewer than 40 batches in all."""
    batches = -(-images // training.batch_size)
    return max(training.epochs, -(-LEAST_BATCHES // batches))
