"""Reshape: a channel axis, as the convolutions expect it."""

from prefect.logging import get_run_logger

from tasks.schemas.references import ArrayReference, Dataset, Split
from tasks.storage.stages import stage


def with_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of grey images with a channel axis: (n, 28, 28) becomes (n, 28, 28, 1)."""
    return (*shape, 1)


@stage("reshape")
def reshape(dataset: Dataset) -> Dataset:
    """Add the channel axis. The bytes stay where they are: only how they are seen changes."""
    reshaped = Dataset(train=_reshaped(dataset.train), test=_reshaped(dataset.test))
    for name in ("train", "test"):
        before, after = (getattr(data, name).inputs.shape for data in (dataset, reshaped))
        get_run_logger().info("x_%s %s -> %s", name, before, after)
    return reshaped


def _reshaped(split: Split) -> Split:
    images = ArrayReference(**dict(split.inputs) | {"shape": with_channel(split.inputs.shape)})
    return Split(inputs=images, labels=split.labels)
