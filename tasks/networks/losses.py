"""Losses by name, and the targets that they compare with, the same in training and evaluation."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Loss: TypeAlias = Callable[[Any, Any], Any]


def per_image_loss(name: str, nodes: int, label_smoothing: float = 0) -> Loss:
    """The loss of each image: targets and probabilities (n, nodes) in, losses (n,) out."""
    from keras import losses

    if name == "mean_squared_error":
        loss: Loss = losses.mean_squared_error
        return loss
    crossentropy = losses.binary_crossentropy if nodes == 1 else losses.categorical_crossentropy
    return partial(crossentropy, label_smoothing=label_smoothing)


def targets_for(nodes: int, one_hot: NDArray[np.float32]) -> NDArray[np.float32]:
    """Targets (n, nodes) for one-hot labels (n, classes).

    A softmax has a node for each class and takes the rows as they are. A single sigmoid node is
    the probability of the second class: its label comes back from one-hot by argmax. ValueError if
    there are neither as many nodes as classes, nor one node for two classes.
    """
    classes = one_hot.shape[1]
    if nodes == classes:
        return one_hot
    if (nodes, classes) != (1, 2):
        raise ValueError(f"{nodes} output nodes cannot tell {classes} classes apart")
    return np.asarray(one_hot.argmax(axis=1, keepdims=True), np.float32)
