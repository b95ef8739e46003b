"""Running a trained network over many images."""

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from tasks.schemas.references import Array, Floats, Integers

if TYPE_CHECKING:
    import keras

Model: TypeAlias = "keras.Model"
Real = TypeVar("Real", bound=np.floating)
BATCH_IMAGES = 250
BATCH_FEATURES = 2_000


def evenly(rows: Array, most: int) -> Array:
    """At most so many of the rows (n,), evenly spread, with the first and the last."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(int)]


def predicted_classes(probabilities: Floats) -> Integers:
    """The class of each row: the largest node, or for a single node whether it exceeds 0.5."""
    return np.asarray(class_probabilities(probabilities).argmax(axis=1))


def class_probabilities(probabilities: NDArray[Real]) -> NDArray[Real]:
    """A column for each class (n, classes); a single node is the probability of the second."""
    is_single = probabilities.shape[1] == 1
    return np.hstack([1 - probabilities, probabilities]) if is_single else probabilities


def run(model: Model, inputs: Array, batch_size: int = BATCH_IMAGES) -> Floats:
    """The model's output for every input, float32 (n, ...); one batch at a time is float."""
    # `Model.predict` spends more time on its adapter and callbacks than on a small network.
    outputs = np.empty((len(inputs), *model.output_shape[1:]), np.float32)
    for start in range(0, len(inputs), batch_size):
        part = slice(start, start + batch_size)
        outputs[part] = model.predict_on_batch(inputs[part])
    return outputs


def run_rows(model: Model, inputs: Any, rows: NDArray[np.int32]) -> Floats:
    """The model's output for k rows of the inputs, float32 (k, ...)."""
    # A head's examination is an eighth of its training with batches as small as images'.
    chosen = np.asarray(inputs)[rows]
    return run(model, chosen, BATCH_IMAGES if chosen.ndim > 2 else BATCH_FEATURES)
