"""What a batch must be before it is trained on: form and contrast. Rows count from 0."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 2**28  # of the files that were dropped, and of each array in a .npz
MAX_IMAGES = 100_000
# An image whose brightest and darkest pixel are nearer than this part of the training images'
# median is nearly empty. Data sets differ: MNIST's pixels are 0..255, the embedded digits' 0..16.
FAINT = 0.1

Place = Callable[[int], str]  # what a person calls a row


class BadBatchError(Exception):
    """Why a batch cannot be used: what is wrong with it, and what would be right."""


def check_bytes(size: int) -> None:
    """The files have `MAX_BYTES` at most, so that they can be read."""
    if size > MAX_BYTES:
        raise BadBatchError(f"it has {size} bytes where {MAX_BYTES} are the most")


def check_count(count: int) -> None:
    """There are 1 to `MAX_IMAGES` images."""
    if not 1 <= count <= MAX_IMAGES:
        raise BadBatchError(f"it has {count} images where 1 to {MAX_IMAGES} are right")


def find_faint(images: NDArray[np.uint8], typical_range: float, place: Place) -> str:
    """Which images of uint8 (n, ...), n > 0, are nearly empty or constant, in words; "" if none is.

    What is typical is the median `pixel_range` of the training images.
    """
    needed = FAINT * typical_range
    rows = np.flatnonzero(pixel_range(images) < needed)
    if not rows.size:
        return ""
    verb = "is" if rows.size == 1 else "are"
    return (
        f"{rows.size} of its {len(images)} images {verb} nearly empty or constant, first "
        f"{place(int(rows[0]))}; the brightest and the darkest pixel of an image should differ by "
        f"{needed:g} or more"
    )


def pixel_range(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Brightest minus darkest pixel, of any channel, of each of images (n, ...)."""
    ranges: NDArray[np.uint8] = np.ptp(images, axis=tuple(range(1, images.ndim)))
    return ranges
