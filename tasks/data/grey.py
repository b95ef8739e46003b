"""Pictures that are grey and opaque, however their file stores that."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

GREY_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


def opaque_grey(image: "Image") -> NDArray[np.uint8] | None:
    """Pixels uint8 (height, width), 0..255, of an image that is opaque grey of at most 8 bits.

    None if a pixel is in colour or transparent, or the mode is none of `GREY_MODES`.
    """
    if image.mode not in GREY_MODES:
        return None
    if image.mode == "L" and not image.has_transparency_data:
        return np.asarray(image)
    pixels = np.asarray(image.convert("RGBA"))
    grey = pixels[..., 0]
    if (pixels[..., :3] != grey[..., None]).any() or (pixels[..., 3] != 255).any():
        return None
    return grey
