"""Pictures in files and in arrays, prepared alike for training, arriving batches and prediction."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tasks.data.handwriting import WIDE, convert
from tasks.errors import InputError, in_one_line
from tasks.schemas.images import LEAST_SIDE, MOST_SIDE, Preparation
from tasks.schemas.references import Pixels
from tasks.storage.files import read_file

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
OPAQUE_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")  # those that can be, of at most 8 bits
KINDS = "PNG, JPEG, WebP, BMP or TIFF"
MAX_FILE_BYTES = 2**28
MAX_PIXELS = 50_000_000  # of one picture
MOST_AUTOMATIC = 64  # pixels a side, where images of several or of large sizes give none
AS_IT_IS = "as it is"

# once, for all threads: what is wrong with a picture is said here, and its pixels are counted here
warnings.filterwarnings("ignore", module="PIL")
Image.MAX_IMAGE_PIXELS = None


class Prepared(NamedTuple):
    """An array of the preparation's shape, uint8, and how it came to be, in words."""

    pixels: Pixels
    how: str


def prepare(picture: Image.Image, preparation: Preparation) -> Prepared:
    """A picture of any size and of 8 bits, or of handwriting in 16 bits of grey, as an array.

    In the format of the training images it is taken as it is, handwriting is converted as MNIST was
    made, anything else scaled to fit, its aspect ratio kept, its edges' mean colour around it.
    """
    ready = _ready(picture, preparation)
    if ready is not None:
        return Prepared(ready, AS_IT_IS)
    if preparation.handwriting:
        return Prepared(*convert(picture, preparation))
    return _scaled(picture, preparation)


def prepare_array(image: Pixels, preparation: Preparation) -> Prepared:
    """An image (h, w) or (h, w, 3), prepared like a picture."""
    if image.shape == preparation.shape and _is_in_range(image, preparation):
        return Prepared(image, AS_IT_IS)
    return prepare(Image.fromarray(image), preparation)


def prepare_arrays(images: Pixels, preparation: Preparation) -> Pixels:
    """Images (n, h, w) or (n, h, w, 3) as an array (n, ...) of the preparation's shape."""
    if images.shape[1:] == preparation.shape:
        return images
    prepared = np.empty((len(images), *preparation.shape), np.uint8)
    for row, image in enumerate(images):
        prepared[row] = prepare_array(image, preparation).pixels
    return prepared


def picture_bytes(path: Path) -> bytes:
    """The bytes of a picture's file; InputError if it cannot be read or is too large."""
    try:
        content = read_file(path, follow_link=True, most=MAX_FILE_BYTES)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"{path} has more than {MAX_FILE_BYTES} bytes; give a smaller image")
    return content


def read_picture(content: bytes, name: str, preparation: Preparation) -> Prepared:
    """Decode the bytes of a PNG, JPEG, WebP, BMP or TIFF file, and prepare it.

    InputError, which names it, where it is none of these, damaged, animated or too large, or has
    more than 8 bits a channel and is not of handwriting.
    """
    with open_picture(BytesIO(content), name) as picture:
        is_deep, is_float = picture.mode.startswith("I"), picture.mode == "F"
        if is_float or (is_deep and not preparation.handwriting):
            raise InputError(f"{name} has more than 8 bits a channel where 8 are right")
        picture.draft(None, (2 * preparation.width, 2 * preparation.height))
        picture.load()
        ImageOps.exif_transpose(picture, in_place=True)
        return prepare(picture, preparation)


@contextmanager
def open_picture(file: IO[bytes], name: str) -> Iterator[Image.Image]:
    """A picture whose header was looked at; for errors, those of loading included, see above."""
    try:
        with Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise InputError(
                    f"{name} has more than {MAX_PIXELS:,} pixels; give it in a smaller size"
                )
            # a telephone's JPEG may have a second picture, smaller or for the other eye
            frames: int = getattr(picture, "n_frames", 1)
            if frames > 1 and picture.format != "MPO":
                raise InputError(f"{name} has {frames} frames where one is right")
            yield picture
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"{name} is not a {KINDS} file") from None
    except Exception as error:  # Pillow answers damaged bytes with errors of many types
        raise InputError(f"{name} is not an intact picture: {in_one_line(error)}") from error


def size_of(picture: Image.Image) -> tuple[int, int]:
    """Height and width as the picture is seen, whichever way the camera was held."""
    is_turned = picture.getexif().get(0x0112, 1) >= 5
    return (picture.width, picture.height) if is_turned else (picture.height, picture.width)


def automatic_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Height and width that all have, if 8 to 128 pixels, else a square of the median, 8 to 64."""
    if len(set(sizes)) == 1 and LEAST_SIDE <= min(sizes[0]) <= max(sizes[0]) <= MOST_SIDE:
        return sizes[0]
    side = int(np.clip(np.median([min(size) for size in sizes]), LEAST_SIDE, MOST_AUTOMATIC))
    return side, side


def _ready(picture: Image.Image, preparation: Preparation) -> Pixels | None:
    if picture.size != (preparation.width, preparation.height) or picture.mode not in OPAQUE_MODES:
        return None
    is_grey = preparation.channels == 1
    if picture.mode == ("L" if is_grey else "RGB") and not picture.has_transparency_data:
        pixels = np.asarray(picture)
    else:
        pixels, opacity = np.split(np.asarray(picture.convert("RGBA")), [3], axis=-1)
        if (opacity != 255).any() or (is_grey and is_coloured(pixels)):
            return None
        pixels = pixels[..., 0] if is_grey else pixels
    return pixels if _is_in_range(pixels, preparation) else None


def is_coloured(pixels: Pixels) -> bool:
    """Whether red, green and blue of pixels (..., 3) differ anywhere."""
    return bool((pixels[..., 1:] != pixels[..., :1]).any())


def _is_in_range(pixels: Pixels, preparation: Preparation) -> bool:
    max_pixel = preparation.max_pixel
    return not preparation.handwriting or max_pixel >= WIDE or int(pixels.max()) <= max_pixel


def _scaled(picture: Image.Image, preparation: Preparation) -> Prepared:
    steps = []
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
        steps.append("laid on white")
    mode = "L" if preparation.channels == 1 else "RGB"
    if picture.mode not in ("1", "L", "LA") and mode == "L":
        steps.append("grey")
    size = (preparation.width, preparation.height)
    fitted = picture.convert(mode)
    if fitted.size != size:
        steps.append(f"scaled from {picture.width} x {picture.height}")
        fitted = _padded(fitted, size)
    return Prepared(np.asarray(fitted), ", ".join(steps) or AS_IT_IS)


def _padded(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scaled until it fits into the size, the mean colour of its outermost pixels around it."""
    scale = min(size[0] / picture.width, size[1] / picture.height)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    fitted = picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3)
    pixels = np.asarray(fitted)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    colour = np.atleast_1d(edge.mean(axis=0).round().astype(int))
    field = Image.new(picture.mode, size, tuple(colour.tolist()))
    field.paste(fitted, ((size[0] - width) // 2, (size[1] - height) // 2))
    return field
