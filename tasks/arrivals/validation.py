"""What a batch must be before it is trained on: form, contrast, and images that are new.

Each check passes in silence or raises `BadBatchError`. Rows count from 0.
"""

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def check_contrast(images: NDArray[np.uint8], typical_range: float, place: Place) -> None:
    """No image of uint8 (n, ...), n > 0, is nearly empty or constant.

    What is typical is the median `pixel_range` of the training images.
    """
    needed = FAINT * typical_range
    right = f"the brightest and the darkest pixel of an image should differ by {needed:g} or more"
    _check_none(pixel_range(images) < needed, "nearly empty or constant", right, place)


def check_new(
    fingerprints: list[bytes], train: Collection[bytes], test: Collection[bytes], place: Place
) -> None:
    """No image is, to the pixel, in the test set, in the training set or twice in the batch.

    All are fingerprints; `train` has those of all that is trained on, earlier batches included.
    """
    first = {one: row for row, one in reversed(list(enumerate(fingerprints)))}
    findings = {
        "in the test set, which must stay unseen": [p in test for p in fingerprints],
        "in the training set already": [p in train for p in fingerprints],
        "in it more than once": [first[p] != row for row, p in enumerate(fingerprints)],
    }
    for where, found in findings.items():
        _check_none(found, where, "each image should be new", place)


def _check_none(found: ArrayLike, what: str, right: str, place: Place) -> None:
    """None of the images was found to be so, as bool (n,) says; `right` is what should be."""
    rows = np.flatnonzero(found)
    if rows.size:
        verb = "is" if rows.size == 1 else "are"
        raise BadBatchError(
            f"{rows.size} of its {np.size(found)} images {verb} {what}, "
            f"first {place(int(rows[0]))}; {right}"
        )


def pixel_range(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Brightest minus darkest pixel, of any channel, of each of images (n, ...)."""
    ranges: NDArray[np.uint8] = np.ptp(images, axis=tuple(range(1, images.ndim)))
    return ranges
