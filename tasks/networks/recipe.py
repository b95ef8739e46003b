"""What a recipe decides about training; the recipes themselves are in `flows/recipes.py`."""

import math
from typing import Literal

from pydantic import Field

from tasks.schemas.references import Record


class Augmentation(Record):
    """Random distortions of the training images, drawn anew for each image in each epoch.

    Each is uniform between minus and plus the given limit.
    """

    shift: float = Field(ge=0, description="Pixels, in both directions.")
    rotation: float = Field(ge=0, description="Degrees.")
    zoom: float = Field(ge=0, lt=1, description="Share of the size, in each direction by itself.")
    shear: float = Field(ge=0, description="Pixels sideways for each pixel down.")


class Training(Record):
    """How one network is trained."""

    loss: Literal["mean_squared_error", "crossentropy"] = Field(
        description="Mean squared error of the probabilities, or their cross-entropy."
    )
    optimizer: Literal["sgd", "adam"] = Field(description="The optimizer, by its Keras name.")
    learning_rate: float = Field(gt=0, description="Step size; with a warm-up, the largest.")
    batch_size: int = Field(ge=1, description="Images in a batch.")
    epochs: int = Field(ge=1, description="Passes over the training images.")
    warm_up: float = Field(
        default=0,
        ge=0,
        description="Epochs in which the step size grows from 0, before it falls back along a "
        "cosine; 0 keeps it constant.",
    )
    beta_2: float = Field(
        default=0.999, gt=0, lt=1, description="Adam's memory of squared gradients."
    )
    weight_decay: float = Field(default=0, ge=0, description="Adam's decoupled weight decay.")
    averaging: float = Field(
        default=0,
        ge=0,
        lt=1,
        description="Memory of the moving average of the weights that becomes the model; 0 takes "
        "the last weights.",
    )
    label_smoothing: float = Field(
        default=0, ge=0, lt=1, description="Share of a label that is spread over all classes."
    )
    dropout: float = Field(
        default=0, ge=0, lt=1, description="Share of the features that are dropped in training."
    )
    augmentation: Augmentation | None = Field(default=None, description="Random distortions.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="float32",
        description="In what matrix products are computed; auto is bfloat16 where the hardware "
        "is faster at it.",
    )

    def batches(self, images: int) -> int:
        """The number of batches in an epoch over so many images, the last one smaller."""
        return math.ceil(images / self.batch_size)


class Recipe(Record):
    """A way to train the base model and the heads."""

    scaling: float = Field(gt=0, description="What pixels (0..255) are multiplied by.")
    base: Training
    head: Training
