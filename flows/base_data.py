"""What the base model learns from: all classes, or those that it is not transferred to."""

from collections.abc import Sequence

from flows.config import RunConfig
from tasks.data.names import positions
from tasks.data.read import find_source
from tasks.filter import filter_classes
from tasks.load import load
from tasks.reshape import reshape
from tasks.schemas.images import ClassName, LabelledImages
from tasks.schemas.references import Dataset


def load_base_data(
    config: RunConfig, seed: int, data: LabelledImages, images: Dataset
) -> LabelledImages:
    """All that the base may learn from: `data`, whose images have channels, or other images.

    InputError if other images are asked for and are unusable.
    """
    if config.base_dataset is None:
        return data.model_copy(update={"images": images})
    reading = config.reading.model_copy(update={"preparation": data.preparation})
    other = load(find_source(config.base_dataset, seed, reading))
    return other.model_copy(update={"images": reshape(other.images)})


def for_the_base(
    config: RunConfig, data: LabelledImages, chosen: Sequence[ClassName]
) -> LabelledImages:
    """The classes that the base learns before it is transferred to the chosen ones, and no more.

    InputError if there are fewer than two, or the data lack one.
    """
    classes = config.classes_of_the_base(data.classes, chosen)
    if classes == data.classes:
        return data
    images = filter_classes(data.images, positions(classes, data.classes))
    return data.model_copy(update={"images": images, "classes": classes})
