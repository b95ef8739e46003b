"""Losses by name, the same in training and in evaluation."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def per_image_loss(name: str, nodes: int) -> "Callable[[Any, Any], Any]":
    """The loss of each image: targets and probabilities (n, nodes) in, losses (n,) out."""
    import keras

    if name == "mean_squared_error":
        return keras.losses.mean_squared_error
    return keras.losses.binary_crossentropy if nodes == 1 else keras.losses.categorical_crossentropy
