"""What is known of labelled images beside their pixels: classes, and how a picture is prepared."""

from typing import Literal, TypeAlias

from pydantic import Field

from tasks.schemas.references import Dataset, Record

ClassName: TypeAlias = int | str
LEAST_SIDE, MOST_SIDE = 8, 128


def with_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of images with a channel axis: (n, h, w) becomes (n, h, w, 1)."""
    return shape if len(shape) == 4 else (*shape, 1)


class Preparation(Record):
    """How a picture becomes an array, for training, arriving batches and prediction alike."""

    height: int = Field(ge=LEAST_SIDE, le=MOST_SIDE)  # pixels
    width: int = Field(ge=LEAST_SIDE, le=MOST_SIDE)
    channels: Literal[1, 3]  # grey, or red, green and blue
    handwriting: bool = False  # light strokes on black, fitted and centred as in MNIST
    max_pixel: int = Field(255, ge=1, le=255)  # of handwriting: the largest one

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image as it is stored: (height, width), or (height, width, 3)."""
        sides = (self.height, self.width)
        return sides if self.channels == 1 else (*sides, self.channels)


class LabelledImages(Record):
    """Images uint8 (n, h, w) or (n, h, w, 3), 0..255; labels, unsigned, are places in `classes`."""

    images: Dataset
    classes: tuple[ClassName, ...]
    preparation: Preparation
    originals: int = 0  # so many training images come first, and then distorted,
    copies: int = 1  # as often as this in all
    parts: tuple[tuple[str, int], ...] = ()  # where test images are from, and how many, in order
