"""Splits of a data set: what is computed of one is stored, logged and referred to in one place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.schemas.references import ArrayReference, Dataset, Split
from tasks.storage.records import current_store


@dataclass(frozen=True)
class Arrays:
    """A split's inputs (n, ...) and labels (n, ...), memory-mapped and read-only."""

    name: Literal["train", "test"]
    inputs: NDArray[Any]
    labels: NDArray[Any]


Transform: TypeAlias = Callable[[Arrays], NDArray[Any]]


def transform(
    dataset: Dataset, name: str, inputs: Transform | None = None, labels: Transform | None = None
) -> Dataset:
    """Compute new inputs, new labels, or both, of each split of a data set, and store them.

    Args:
        dataset: What they are computed from.
        name: What the new arrays are called, as in `subset`.
        inputs: Gives a split's new inputs; None leaves them as they are.
        labels: The same for labels.
    """

    def transformed(split: Split, of: Literal["train", "test"]) -> Split:
        store = current_store()
        arrays = Arrays(of, store.array(split.inputs), store.array(split.labels))
        return Split(
            inputs=_stored(f"{of}-{name}-inputs", arrays, inputs, "x", split.inputs),
            labels=_stored(f"{of}-{name}-labels", arrays, labels, "y", split.labels),
        )

    return Dataset(
        train=transformed(dataset.train, "train"), test=transformed(dataset.test, "test")
    )


def _stored(
    name: str, arrays: Arrays, compute: Transform | None, axis: str, before: ArrayReference
) -> ArrayReference:
    if compute is None:
        return before
    after = current_store().add_array(name, compute(arrays))
    get_run_logger().info("%s_%s %s -> %s", axis, arrays.name, before.shape, after.shape)
    return after


def store_split(name: str, inputs: NDArray[Any], labels: NDArray[Any]) -> Split:
    """Store inputs (n, ...) and labels (n, ...) as the arrays of a split."""
    store = current_store()
    return Split(
        inputs=store.add_array(f"{name}-inputs", inputs),
        labels=store.add_array(f"{name}-labels", labels),
    )
