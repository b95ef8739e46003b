"""What a recipe decides about training; the recipes themselves are in `flows/recipes.py`."""

import math
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from tasks.schemas.references import Record

Precision = Literal["auto", "float32", "bfloat16"]
Share = Annotated[float, Field(ge=0, lt=1)]


class Augmentation(Record):
    """Limits, plus and minus, of uniform distortions, drawn for each image in each epoch."""

    shift: NonNegativeFloat  # pixels of 28, in both directions
    rotation: NonNegativeFloat  # degrees
    zoom: Share  # of the size, in each direction by itself
    shear: NonNegativeFloat  # pixels sideways for each pixel down


class Training(Record):
    """How one network is trained."""

    loss: Literal["mean_squared_error", "crossentropy"]  # of the probabilities
    optimizer: Literal["sgd", "adam"]  # by its Keras name
    learning_rate: PositiveFloat  # step size; with a warm-up, the largest
    batch_size: PositiveInt  # images in a batch; fewer where they make the least batches
    least_batches: PositiveInt = 1  # batches in an epoch, where there are as many images
    epochs: PositiveInt  # passes over the training images; more of them make the least steps
    most_images: PositiveInt | None = None  # in an epoch, which draws them anew; None is all
    least_steps: NonNegativeInt = 0  # steps of the optimizer, one a batch, however few the images
    # Of `epochs`, those in which the step size grows from 0, before it falls along a cosine; where
    # there are more epochs, as large a share of them. 0 is a constant step size.
    warm_up: NonNegativeFloat = 0
    beta_2: float = Field(default=0.999, gt=0, lt=1)  # Adam's memory of squared gradients
    weight_decay: NonNegativeFloat = 0  # Adam's decoupled weight decay
    # Memory of the moving average of the weights that becomes the model; 0 takes the last weights.
    averaging: Share = 0
    label_smoothing: Share = 0  # of a label that is spread over all classes
    dropout: Share = 0  # of the features that are dropped in training
    augmentation: Augmentation | None = None
    attempts: PositiveInt = 5  # initialisations, until one learns
    gated: bool = True  # whether a network that ends dead is refused
    # In what matrix products are computed; auto is bfloat16 where the hardware is faster at it.
    precision: Precision = "float32"

    def batches(self, images: int) -> int:
        """The number of batches in an epoch over so many images, the last one smaller."""
        return math.ceil(self.images_in_epoch(images) / self.batch_size_for(images))

    def images_in_epoch(self, images: int) -> int:
        """The number of images that an epoch is over, of so many."""
        return min(images, self.most_images or images)

    def batch_size_for(self, images: int) -> int:
        """The number of images in a batch, of so many to train on."""
        return min(self.batch_size, max(1, self.images_in_epoch(images) // self.least_batches))

    def epochs_for(self, images: int) -> int:
        """The number of epochs over so many images, 1 or more: they have the least steps."""
        return max(self.epochs, math.ceil(self.least_steps / self.batches(images)))


class Recipe(Record):
    """A way to train the base model and the heads."""

    scaling: PositiveFloat  # what pixels (0..255) are multiplied by
    base: Training
    head: Training
