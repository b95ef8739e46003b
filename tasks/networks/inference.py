"""Running a trained network over many images."""

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

Model: TypeAlias = "keras.Model"

BATCH_IMAGES = 250
BATCH_FEATURES = 2_000


def evenly(rows: NDArray[Any], most: int) -> NDArray[Any]:
    """At most so many of the rows (n,), evenly spread, with the first and the last."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(int)]


def predicted_classes(probabilities: NDArray[np.float32]) -> NDArray[np.intp]:
    """The class of each row: the largest node, or for a single node whether it exceeds 0.5."""
    return np.asarray(class_probabilities(probabilities).argmax(axis=1))


def class_probabilities(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """A column for each class (n, classes); a single node is the probability of the second."""
    is_single = probabilities.shape[1] == 1
    return np.hstack([1 - probabilities, probabilities]) if is_single else probabilities


def run(model: Model, inputs: NDArray[Any]) -> NDArray[np.float32]:
    """The model's first output for every input, float32 (n, ...), computed batch by batch.

    Only one batch of the inputs is float at a time. `Model.predict` does the same, but spends
    more time on its data adapter and callbacks than on a small network; calling the model without
    a graph takes half as long again.
    """
    return run_all(model, inputs)[0]


def run_all(model: Model, inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
    """Every output of the model, as `run` gives the first."""
    shapes = [output.shape[1:] for output in model.outputs]
    outputs = [np.empty((len(inputs), *shape), np.float32) for shape in shapes]
    for start in range(0, len(inputs), BATCH_IMAGES):
        part = slice(start, start + BATCH_IMAGES)
        found = model.predict_on_batch(inputs[part])
        for output, one in zip(outputs, found if len(shapes) > 1 else [found], strict=True):
            output[part] = one
    return outputs


def run_rows(model: Model, inputs: Any, rows: NDArray[np.int32]) -> NDArray[np.float32]:
    """The model's output for k rows of the inputs, float32 (k, ...).

    A head's examination is an eighth of its training with batches as small as those of images.
    """
    array = np.asarray(inputs)
    size = BATCH_IMAGES if array.ndim > 2 else BATCH_FEATURES
    batches = (array[rows[start : start + size]] for start in range(0, len(rows), size))
    return np.concatenate([model.predict_on_batch(batch) for batch in batches])
