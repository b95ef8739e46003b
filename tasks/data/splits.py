"""Splits of a data set and their labels: computed, stored and referred to in one place."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from tasks.schemas.references import Array, ArrayReference, Dataset, Floats, Integers, Mask, Split
from tasks.storage.stages import current_store, get_run_logger

AXES = {"inputs": "x", "labels": "y"}  # what a person calls them


class Subset(NamedTuple):
    """Which images belong to the classes, and their new labels, in the images' order."""

    rows: Integers
    labels: Array


def select_classes(labels: Array, classes: Sequence[int]) -> Subset:
    """The rows with a label (n,) of `classes`, relabelled 0..k-1 in their order, of one type."""
    of_label = np.full(max(*classes, int(labels.max())) + 1, -1)
    of_label[list(classes)] = np.arange(len(classes))
    found = of_label[labels]
    rows = np.flatnonzero(found >= 0)
    return Subset(rows, found[rows].astype(labels.dtype))


def encode(labels: Array, classes: int) -> Floats:
    """Labels (n,) of 0..classes-1 as rows of float32 (n, classes) with a single 1."""
    return np.asarray(np.eye(classes, dtype=np.float32)[labels])


def rows_by_part(parts: Sequence[tuple[str, int]], rows: Integers) -> dict[str, Mask]:
    """Which rows (k,) are from which of the parts, of so many rows each, bool (k,), if any is."""
    origin = np.searchsorted(np.cumsum([count for _, count in parts]), rows, side="right")
    found = {name: origin == number for number, (name, _) in enumerate(parts)}
    return {name: mask for name, mask in found.items() if mask.any()}


class Arrays(NamedTuple):
    """A split's inputs (n, ...) and labels (n, ...), memory-mapped and read-only."""

    inputs: Array
    labels: Array


Computed: TypeAlias = Mapping[str, Array]  # new inputs, new labels, or both


def transform(dataset: Dataset, name: str, compute: Callable[[Arrays], Computed]) -> Dataset:
    """Compute and store each split's new `inputs`, `labels`, or both, as arrays called `name`."""
    store, splits, said = current_store(), dict[str, Split](), list[str]()
    for of, split in dataset:
        new = dict[str, ArrayReference]()
        arrays = Arrays(store.array(split.inputs), store.array(split.labels))
        for kind, array in compute(arrays).items():
            new[kind] = store.add_array(f"{of}-{name}-{kind}", array)
            before, after = getattr(split, kind).shape, new[kind].shape
            said.append(f"{AXES[kind]}_{of} {before} -> {after}")
        splits[of] = split.model_copy(update=new)
    get_run_logger().info("; ".join(said))
    return Dataset(**splits)


def store_split(name: str, inputs: Array, labels: Array) -> Split:
    """Store inputs (n, ...) and labels (n, ...) as the arrays of a split."""
    store = current_store()
    return Split(
        inputs=store.add_array(f"{name}-inputs", inputs),
        labels=store.add_array(f"{name}-labels", labels),
    )
