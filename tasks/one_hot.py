"""One-hot: a column for each class."""

import numpy as np
from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.schemas.references import Dataset, Split
from tasks.storage.records import current_store
from tasks.storage.stages import stage
from tasks.storage.store import Store


def encode(labels: NDArray[np.uint8], classes: int) -> NDArray[np.float32]:
    """Labels (n,) of 0..classes-1 as rows of float32 (n, classes) with a single 1."""
    return np.eye(classes, dtype=np.float32)[labels]


@stage("one-hot")
def one_hot(dataset: Dataset, classes: int) -> Dataset:
    """Replace the labels of both splits by their one-hot rows; see `encode`."""
    store = current_store()
    return Dataset(
        train=_encoded(store, dataset.train, classes, "train"),
        test=_encoded(store, dataset.test, classes, "test"),
    )


def _encoded(store: Store, split: Split, classes: int, name: str) -> Split:
    labels = store.add_array(
        f"{name}-one-hot-{classes}", encode(store.array(split.labels), classes)
    )
    get_run_logger().info("y_%s %s -> %s", name, split.labels.shape, labels.shape)
    return Split(inputs=split.inputs, labels=labels)
