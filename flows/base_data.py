"""What the base model learns from: all classes, or those that it is not transferred to."""

from collections.abc import Sequence
from dataclasses import dataclass

from flows.config import RunConfig
from tasks.data.names import positions
from tasks.data.read import find_source
from tasks.filter import filter_classes
from tasks.hold_out import hold_out
from tasks.load import load
from tasks.networks.recipe import Recipe
from tasks.one_hot import one_hot
from tasks.reshape import reshape
from tasks.schemas.images import ClassName, LabelledImages
from tasks.schemas.references import ArrayReference, Dataset
from tasks.schemas.training import TrainedModel, TrainingData
from tasks.train_base import train_base


def load_base_data(config: RunConfig, seed: int, data: LabelledImages) -> LabelledImages:
    """All that the base may learn from, images (n, h, w, channels): `data`, or other images.

    InputError if other images are asked for and are unusable.
    """
    if config.base_dataset is None:
        return data
    reading = config.reading.model_copy(update={"preparation": data.preparation})
    other = load(find_source(config.base_dataset, seed, reading))
    return other.model_copy(update={"images": reshape(other.images)})


@dataclass(frozen=True)
class BaseData:
    """Images (n, h, w, channels) of the classes that the base learns, and no others.

    Their labels are the positions of their classes, or one-hot if they are `labelled`; bool (n,)
    says which are held out in training.
    """

    images: Dataset
    labelled: Dataset
    classes: tuple[ClassName, ...]
    held_out: ArrayReference
    handwriting: bool

    def train(self, recipe: Recipe, seed: int) -> TrainedModel:
        """The base model by a recipe."""
        split, classes, centred = self.labelled.train, self.classes, not self.handwriting
        data = TrainingData(split=split, classes=classes, held_out=self.held_out)
        return train_base(data, recipe.scaling, recipe.base, seed, centred)


def for_the_base(config: RunConfig, data: LabelledImages, chosen: Sequence[ClassName]) -> BaseData:
    """What the base learns before it is transferred to the chosen classes.

    InputError if there are fewer than two, or the data lack one.
    """
    classes = config.classes_of_the_base(data.classes, chosen)
    learned, images = positions(classes, data.classes), data.images
    if classes != data.classes:
        images = filter_classes(images, learned)
    held_out, labelled = hold_out(data, learned), one_hot(images, len(classes))
    return BaseData(images, labelled, classes, held_out, data.preparation.handwriting)
