"""Images and labels that come as arrays, in the few forms that leave nothing unclear."""

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InputError

BLOCK = 2**20  # pixels that are float64 at a time
ROUNDING = 1e-3  # of a level of 0..255, from which on a float is not a whole 255th
RIGHT_SHAPE = "(n, height, width), (n, height, width, 1) or (n, height, width, 3)"
logger = logging.getLogger(__name__)


def as_pixels(images: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Images as uint8 (n, h, w) or (n, h, w, 3), of uint8 or of floats within 0..1.

    A last axis of one channel is left out. Floats that are not whole 255ths are rounded, with a
    warning. InputError, which calls the images `name`, if they are anything else.
    """
    if flaw := flaw_of(images.shape, images.dtype):
        raise InputError(f"{name} {flaw}")
    if images.shape[3:] == (1,):
        images = images[..., 0]
    return images if images.dtype == np.uint8 else _rounded(images, name)


def flaw_of(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    """Why this is not the shape or type of images, in words after their name; empty if it is."""
    if len(shape) not in (3, 4) or shape[3:] not in ((), (1,), (3,)) or min(shape[1:]) == 0:
        return f"are of shape {shape} where {RIGHT_SHAPE} is right, with at least one pixel"
    if dtype != np.uint8 and dtype.kind != "f":
        return f"are {dtype} where uint8, or floats within 0..1, are right"
    return ""


def as_labels(labels: NDArray[Any], count: int, name: str) -> NDArray[Any]:
    """Labels (count,) or (count, 1) as (count,), integers or text; InputError if they are not."""
    try:
        labels = np.char.decode(labels, "utf-8") if labels.dtype.kind == "S" else labels
        labels.tolist()  # NumPy notices what is no text only now
    except (ValueError, SystemError) as error:
        raise InputError(f"{name} are not text: {error}") from error
    if labels.dtype.kind not in "iuU":  # NumPy counts a time span as an integer, too
        raise InputError(f"{name} are {labels.dtype} where integers or text are right")
    if labels.shape not in ((count,), (count, 1)):
        raise InputError(f"{name} are of shape {labels.shape} where ({count},) is right")
    return labels.reshape(count)


def _rounded(images: NDArray[Any], name: str) -> NDArray[np.uint8]:
    pixels, is_exact = np.empty(images.shape, np.uint8), True
    flat, whole_pixels = images.reshape(-1), pixels.reshape(-1)
    for start in range(0, len(flat), BLOCK):
        block = flat[start : start + BLOCK].astype(np.float64)
        if not (block.min() >= 0 and block.max() <= 1):  # which NaN is not either
            raise InputError(
                f"{name} are floats from {block.min():g} to {block.max():g} where 0 to 1, or uint8 "
                "of 0 to 255, are right"
            )
        levels = block * 255
        whole = levels.round()
        is_exact = is_exact and bool(np.abs(levels - whole).max() <= ROUNDING)
        whole_pixels[start : start + BLOCK] = whole
    if not is_exact:
        logger.warning("%s are floats that are not whole 255ths; they are rounded to these", name)
    return pixels
