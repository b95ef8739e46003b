"""Losses by name, their targets, and the temperature with the least log loss."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.networks.inference import Model, class_probabilities
from tasks.schemas.references import Floats

Loss: TypeAlias = Callable[[Any, Any], Any]
LEAST_PROBABILITY = 1e-38, 3e-8  # of what softmax and sigmoid can tell from 0
WIDEST = np.log(20.0)  # a temperature is 1/20 to 20


def per_image_loss(name: str, nodes: int, label_smoothing: float = 0) -> Loss:
    """The loss of each image: targets and probabilities (n, nodes) in, losses (n,) out."""
    from keras import losses

    if name == "mean_squared_error":
        return partial(losses.mean_squared_error)
    crossentropy = losses.binary_crossentropy if nodes == 1 else losses.categorical_crossentropy
    return partial(crossentropy, label_smoothing=label_smoothing)


def targets_for(nodes: int, one_hot: Floats) -> Floats:
    """Targets (n, nodes) for one-hot labels (n, classes).

    A softmax has a node for each class; a single sigmoid node is the probability of the second.
    ValueError if there are neither as many nodes as classes, nor one node for two classes.
    """
    classes = one_hot.shape[1]
    if nodes == classes:
        return one_hot
    if (nodes, classes) != (1, 2):
        raise ValueError(f"{nodes} output nodes cannot tell {classes} classes apart")
    return np.asarray(one_hot.argmax(axis=1, keepdims=True), np.float32)


def fit_temperature(outputs: Floats, targets: Floats) -> float:
    """The temperature with the least log loss on n images that the model did not see; 1 if n is 0.

    Outputs and targets are (n, nodes). Guo, Pleiss, Sun and Weinberger, On calibration of modern
    neural networks (2017); as in Platt's scaling (1999), as if one image in n + 2 more were wrong.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if not len(outputs):
        return 1.0
    logs, truth = _log_probabilities(outputs), class_probabilities(targets.astype(np.float64))
    n, classes = truth.shape
    truth = truth * (1 - classes / (classes - 1) / (n + 2)) + 1 / (classes - 1) / (n + 2)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logs / np.exp(log_temperature), axis=1)
        return float(-(truth * scaled).sum(axis=1).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-WIDEST, WIDEST), method="bounded").x))


def with_temperature(outputs: Floats, temperature: float) -> Floats:
    """What a model with these outputs (n, nodes) gives once it has the temperature."""
    from scipy.special import softmax

    probabilities = softmax(_log_probabilities(outputs) / temperature, axis=1)
    return np.asarray(probabilities[:, -outputs.shape[1] :], np.float32)


def set_temperature(model: Model, temperature: float) -> None:
    """Divide what enters the last softmax or sigmoid; which class is most probable stays."""
    last = model.layers[-1]
    while hasattr(last, "layers"):
        last = last.layers[-1]
    last.set_weights([weights / np.float32(temperature) for weights in last.get_weights()])


def _log_probabilities(outputs: Floats) -> NDArray[np.float64]:
    """Of both classes of a single node, too; they are logits but for a constant."""
    least = LEAST_PROBABILITY[outputs.shape[1] == 1]
    return np.log(np.clip(class_probabilities(outputs.astype(np.float64)), least, None))
