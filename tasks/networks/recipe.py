"""What a recipe decides about training; the recipes themselves are in `flows/recipes.py`."""

import math
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

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
    batch_size: PositiveInt  # images in a batch
    epochs: PositiveInt  # passes over the training images
    # Epochs in which the step size grows from 0, before it falls along a cosine; 0 is constant.
    warm_up: NonNegativeFloat = 0
    beta_2: float = Field(default=0.999, gt=0, lt=1)  # Adam's memory of squared gradients
    weight_decay: NonNegativeFloat = 0  # Adam's decoupled weight decay
    # Memory of the moving average of the weights that becomes the model; 0 takes the last weights.
    averaging: Share = 0
    label_smoothing: Share = 0  # of a label that is spread over all classes
    dropout: Share = 0  # of the features that are dropped in training
    augmentation: Augmentation | None = None
    attempts: PositiveInt = 5  # initialisations, until one learns
    # In what matrix products are computed; auto is bfloat16 where the hardware is faster at it.
    precision: Precision = "float32"

    def batches(self, images: int) -> int:
        """The number of batches in an epoch over so many images, the last one smaller."""
        return math.ceil(images / self.batch_size)


class Recipe(Record):
    """A way to train the base model and the heads."""

    scaling: PositiveFloat  # what pixels (0..255) are multiplied by
    base: Training
    head: Training
