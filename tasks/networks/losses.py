"""Losses by name, the same in training and in evaluation."""

from collections.abc import Callable
from typing import Any, TypeAlias

Loss: TypeAlias = Callable[[Any, Any], Any]


def per_image_loss(name: str, nodes: int) -> Loss:
    """The loss of each image: targets and probabilities (n, nodes) in, losses (n,) out."""
    import keras

    losses: dict[str, Loss] = {
        "mean_squared_error": keras.losses.mean_squared_error,
        "crossentropy": keras.losses.binary_crossentropy
        if nodes == 1
        else keras.losses.categorical_crossentropy,
    }
    return losses[name]
