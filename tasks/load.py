"""Load: the images and labels of a source, checked and prepared, as arrays."""

from tasks.data.names import shown_names
from tasks.data.read import read_source
from tasks.data.source import Source
from tasks.data.splits import store_split
from tasks.schemas.images import LabelledImages
from tasks.schemas.references import Dataset
from tasks.storage.stages import get_run_logger, stage


@stage("load")
def load(source: Source) -> LabelledImages:
    """Read a source: images uint8 (n, h, w) or (n, h, w, 3) of 0..255; InputError if unusable."""
    read = read_source(source)
    images = Dataset(
        train=store_split("train", read.train_images, read.train_labels),
        test=store_split("test", read.test_images, read.test_labels),
    )
    train, test = len(read.train_images), len(read.test_images)
    copies = f", each training image {read.copies} times, distorted" if read.originals else ""
    get_run_logger().info(
        f"{train:,} training and {test:,} test images {read.test_images.shape[1:]} of "
        f"{len(read.classes)} classes: {shown_names(read.classes)}{copies}"
    )
    about = ("classes", "preparation", "originals", "copies")
    return LabelledImages(images=images, **{name: getattr(read, name) for name in about})
