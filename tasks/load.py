"""Load: the images and labels of a source, checked, as arrays."""

from prefect.logging import get_run_logger

from tasks.data.read import read_source
from tasks.data.source import Source
from tasks.data.splits import store_split
from tasks.schemas.references import Dataset
from tasks.storage.stages import stage


@stage("load")
def load(source: Source) -> Dataset:
    """Read a source: images uint8 (n, 28, 28) of 0..255 and labels uint8 (n,) of 0..9.

    Raises InputError if it is missing, damaged or not what it should be.
    """
    images = read_source(source)
    dataset = Dataset(
        train=store_split("train", images.train_images, images.train_labels),
        test=store_split("test", images.test_images, images.test_labels),
    )
    for name, split in dataset:
        shape = split.inputs.shape
        get_run_logger().info("x_%s %s, y_%s %s", name, shape, name, split.labels.shape)
    return dataset
