"""What a recipe decides about training; the recipes themselves are in `flows/recipes.py`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Training(BaseModel):
    """How one network is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    loss: Literal["mean_squared_error", "crossentropy"] = Field(
        description="Mean squared error of the probabilities, or their cross-entropy."
    )
    optimizer: Literal["sgd", "adam"] = Field(description="The optimizer, by its Keras name.")
    learning_rate: Annotated[float, Field(gt=0, description="Step size of the optimizer.")]
    batch_size: Annotated[int, Field(ge=1, description="Images in a batch.")]
    epochs: Annotated[int, Field(ge=1, description="Passes over the training images.")]


class Recipe(BaseModel):
    """A way to train the base model and the heads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scaling: float = Field(gt=0, description="What pixels (0..255) are multiplied by.")
    base: Training
    head: Training
