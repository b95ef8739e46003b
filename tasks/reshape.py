"""Reshape: a channel axis, as the convolutions expect it."""

from prefect.logging import get_run_logger

from tasks.schemas.references import Dataset, Split
from tasks.storage.stages import stage


def with_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of grey images with a channel axis: (n, 28, 28) becomes (n, 28, 28, 1)."""
    return (*shape, 1)


@stage("reshape")
def reshape(dataset: Dataset) -> Dataset:
    """Add the channel axis. The bytes stay where they are: only how they are seen changes."""
    return Dataset(**{name: _reshaped(name, split) for name, split in dataset})


def _reshaped(name: str, split: Split) -> Split:
    shape = with_channel(split.inputs.shape)
    get_run_logger().info("x_%s %s -> %s", name, split.inputs.shape, shape)
    return Split(inputs=split.inputs.model_copy(update={"shape": shape}), labels=split.labels)
