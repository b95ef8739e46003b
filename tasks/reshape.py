"""Reshape: a channel axis, as the convolutions expect it."""

from tasks.schemas.images import with_channel
from tasks.schemas.references import Dataset, Split
from tasks.storage.stages import get_run_logger, stage


@stage("reshape")
def reshape(dataset: Dataset) -> Dataset:
    """Add the channel axis, unless images in colour have it; the bytes stay where they are."""
    reshaped = dict[str, Split]()
    for name, split in dataset:
        shape = with_channel(split.inputs.shape)
        inputs = split.inputs.model_copy(update={"shape": shape})
        reshaped[name] = Split(inputs=inputs, labels=split.labels)
    get_run_logger().info("images %s -> %s", dataset.train.inputs.shape[1:], shape[1:])
    return Dataset(**reshaped)
