"""Losses by name, the same in training and in evaluation."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

Loss: TypeAlias = Callable[[Any, Any], Any]


def per_image_loss(name: str, nodes: int, label_smoothing: float = 0) -> Loss:
    """The loss of each image: targets and probabilities (n, nodes) in, losses (n,) out."""
    import keras

    if name == "mean_squared_error":
        loss: Loss = keras.losses.mean_squared_error
        return loss
    kind = "binary" if nodes == 1 else "categorical"
    crossentropy = getattr(keras.losses, f"{kind}_crossentropy")
    return partial(crossentropy, label_smoothing=label_smoothing)
