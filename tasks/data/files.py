"""Files of other people: regular ones alone, and pictures that are opaque."""

import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

OPAQUE_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


class NotRegularError(InputError):
    """What is to be read is a folder, a pipe, a device or a socket."""


def open_regular(path: Path, follow_link: bool) -> BufferedReader:
    """Open a regular file for reading, without waiting; NotRegularError if it is something else.

    Raises OSError if it cannot be opened, or is a link that is not to be followed.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_link else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    # what is open is asked, as a path may name another file by now
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegularError(f"{path} is not a regular file; a pipe or a device is never read")
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, follow_link: bool, most: int) -> bytes:
    """The bytes of a regular file; of one that is larger, one byte more than `most`.

    Errors are those of `open_regular`, and OSError where it cannot be read.
    """
    with open_regular(path, follow_link) as file:
        # room is made for what is asked for, which is more than most files have
        return file.read(min(os.fstat(file.fileno()).st_size, most) + 1)


def opaque_grey(image: "Image") -> NDArray[np.uint8] | None:
    """Pixels uint8 (height, width), 0..255, of an image that is opaque grey of at most 8 bits.

    None if a pixel is in colour or transparent, or the mode is none of `OPAQUE_MODES`.
    """
    if image.mode == "L" and not image.has_transparency_data:
        return np.asarray(image)
    pixels = opaque(image)
    return None if pixels is None or is_coloured(pixels) else pixels[..., 0]


def opaque(image: "Image") -> NDArray[np.uint8] | None:
    """Pixels uint8 (height, width, 3), 0..255, of an opaque image of at most 8 bits a channel.

    None if a pixel is transparent, or the mode is none of `OPAQUE_MODES`.
    """
    if image.mode not in OPAQUE_MODES:
        return None
    if image.mode == "RGB" and not image.has_transparency_data:
        return np.asarray(image)
    pixels = np.asarray(image.convert("RGBA"))
    return None if (pixels[..., 3] != 255).any() else pixels[..., :3]


def is_coloured(pixels: NDArray[np.uint8]) -> bool:
    """Whether red, green and blue of pixels (..., 3) differ anywhere."""
    return bool((pixels[..., 1:] != pixels[..., :1]).any())
