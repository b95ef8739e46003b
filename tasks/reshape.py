"""Reshape: a channel axis, as the convolutions expect it."""

from prefect.logging import get_run_logger

from tasks.schemas.references import Dataset, Split
from tasks.storage.stages import stage


def with_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of images with a channel axis: (n, h, w) becomes (n, h, w, 1)."""
    return shape if len(shape) == 4 else (*shape, 1)


@stage("reshape")
def reshape(dataset: Dataset) -> Dataset:
    """Add the channel axis, unless images in colour have it; the bytes stay where they are."""
    reshaped = dict[str, Split]()
    for name, split in dataset:
        shape = with_channel(split.inputs.shape)
        get_run_logger().info("x_%s %s -> %s", name, split.inputs.shape, shape)
        inputs = split.inputs.model_copy(update={"shape": shape})
        reshaped[name] = Split(inputs=inputs, labels=split.labels)
    return Dataset(**reshaped)
