"""What is wrong with labelled images, in words; wherever they come from."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def image_flaw(images: NDArray[Any]) -> str:
    """Why images are not uint8 (n, 28, 28); empty if they are."""
    if images.dtype != np.uint8:
        return f"images are {images.dtype} where uint8 is right"
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        return f"images have shape {images.shape} where (n, 28, 28) is right"
    return ""


def label_flaw(labels: NDArray[Any], count: int) -> str:
    """Why labels are not integers (count,) of 0 to 9, where count > 0; empty if they are."""
    if labels.dtype.kind not in "iu":  # NumPy counts a time span as an integer, too
        return f"labels are {labels.dtype} where an integer type is right"
    if labels.shape != (count,):
        return f"labels have shape {labels.shape} where ({count},) is right"
    if labels.min() < 0 or labels.max() > 9:
        return f"labels run from {labels.min()} to {labels.max()} where 0 to 9 is right"
    return ""
