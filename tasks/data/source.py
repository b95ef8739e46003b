"""A source of images, how it is to be read, and what is read from it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from tasks.schemas.images import LEAST_SIDE, MOST_SIDE, ClassName, Preparation
from tasks.schemas.references import Array, Pixels, Record


class Reading(Record):
    """What a person asks of the images; the defaults take them as they are."""

    image_size: int | None = Field(None, ge=LEAST_SIDE, le=MOST_SIDE)  # pixels a side
    colour: Literal["auto", "grey", "rgb"] = "auto"
    handwriting: bool | None = None  # whether to prepare pictures as MNIST was made; None looks
    test_share: float = Field(0.2, gt=0, lt=1)  # held out of each class where there is no test set
    split_seed: int = Field(0, ge=0, lt=2**32)  # of what is held out
    preparation: Preparation | None = None  # that of other images, instead of all but the split


@dataclass(frozen=True)
class Source:
    """One set of labelled images, identified before any of it is decoded.

    Its `sha256` (hex) is of the files' bytes as they lie on disk, in the order of `IDX_NAMES` or
    with the names of pictures, or of all that the generated digits depend on.
    """

    format: Literal["idx", "npz", "pictures", "digits"]  # how images are stored, or generated
    name: str  # what a person calls it
    location: str  # absolute path of a folder or file, or "scikit-learn"
    sha256: str
    seed: int  # of the generated digits; 0 for every other format
    notice: str = ""  # a sentence to show a person when this source stands in for MNIST
    reading: Reading = field(default_factory=Reading)

    def identity(self) -> list[Any]:
        """What decides which images are read: not where they lie, nor what they are called."""
        return [self.format, self.sha256, self.seed, self.reading.identity()]


@dataclass(frozen=True)
class Images:
    """Images uint8 (n, h, w) or (n, h, w, 3), 0..255, in two splits."""

    train_images: Pixels
    train_labels: Array  # uint8 or uint16 (n,), the positions of classes in `classes`
    test_images: Pixels
    test_labels: Array
    classes: tuple[ClassName, ...]
    preparation: Preparation
    originals: int = 0  # see `LabelledImages`
    copies: int = 1
