"""Labels: the images of some classes, of all others, and one-hot rows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InputError


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


def rows_of_other_classes(labels: NDArray[np.uint8], classes: Sequence[int]) -> NDArray[np.intp]:
    """The rows whose label is none of `classes`."""
    return np.flatnonzero(~np.isin(labels, classes))


def encode(labels: NDArray[np.uint8], classes: int) -> NDArray[np.float32]:
    """Labels (n,) of 0..classes-1 as rows of float32 (n, classes) with a single 1."""
    return np.eye(classes, dtype=np.float32)[labels]
