"""Filter: the images of some classes, with labels that count from 0."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.errors import InputError
from tasks.schemas.references import Dataset, Split
from tasks.storage.records import current_store
from tasks.storage.stages import stage
from tasks.storage.store import Store


class Subset(NamedTuple):
    """Which images belong to the classes, and their new labels, in the images' order."""

    rows: NDArray[np.intp]
    labels: NDArray[np.uint8]


def select_classes(labels: NDArray[np.uint8], classes: tuple[int, ...], split: str) -> Subset:
    """The rows whose label is one of `classes`, relabelled 0..k-1 in the order of `classes`.

    Args:
        labels: Integers (n,).
        classes: Different labels.
        split: What the labels are called in an error.

    Raises:
        InputError: A class has no image.
    """
    for label in classes:
        if label not in labels:
            present = ", ".join(map(str, np.unique(labels)))
            raise InputError(
                f"class {label} has no image in the {split} data; it has the classes {present}"
            )
    is_class = labels[:, None] == np.asarray(classes)
    rows = np.flatnonzero(is_class.any(axis=1))
    return Subset(rows, is_class[rows].argmax(axis=1).astype(np.uint8))


@stage("filter")
def filter_classes(dataset: Dataset, classes: tuple[int, ...]) -> Dataset:
    """Keep the images of `classes`; see `select_classes`."""
    store = current_store()
    return Dataset(
        train=_filtered(store, dataset.train, classes, "train"),
        test=_filtered(store, dataset.test, classes, "test"),
    )


def _filtered(store: Store, split: Split, classes: tuple[int, ...], name: str) -> Split:
    rows, labels = select_classes(store.array(split.labels), classes, name)
    images = store.array(split.inputs)[rows]
    get_run_logger().info("x_%s %s -> %s", name, split.inputs.shape, images.shape)
    return Split(
        inputs=store.add_array(f"{name}-subset-images", images),
        labels=store.add_array(f"{name}-subset-labels", labels),
    )
