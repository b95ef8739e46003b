"""A network that is compiled once and started again and again from other weights."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.networks.compilation import Compiled, compile_training
from tasks.networks.recipe import Training

if TYPE_CHECKING:
    import keras

KEPT_SEEDS = 5  # a study goes through the same few again and again, and building takes a while


class Restarts:
    """Starts a training from the initial weights of one seed after another.

    Compiling takes a second or so, which is more than an epoch of a head.
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
            training: How to train; a warm-up is as long as these data make it.
        """
        self._initial = lru_cache(KEPT_SEEDS)(lambda seed: _values(build(seed).variables))
        self._compiled = compile_training(build(0), inputs, targets, training)
        self._untrained = _values(self._compiled.variables)

    def start(self, seed: int) -> Compiled:
        """The network with the initial weights of a seed, and an optimizer that saw nothing.

        It is the same network each time: whoever started it before has it no longer.
        """
        for variable, value in zip(self._compiled.variables, self._untrained, strict=True):
            variable.assign(value)
        initial = self._initial(seed)  # the state of a dropout too, which is no weight
        for variable, value in zip(self._compiled.model.variables, initial, strict=True):
            variable.assign(value)
        return self._compiled


def _values(variables: list[Any]) -> list[NDArray[Any]]:
    return [np.asarray(variable).copy() for variable in variables]
