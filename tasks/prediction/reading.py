"""From the names of files and folders to images that a model understands."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tasks.errors import InputError
from tasks.prediction.conversion import Converted, convert
from tasks.sources.npz import MAX_MEMBER_BYTES, read_arrays

ARRAY = "images"


@dataclass(frozen=True)
class NamedImages:
    """Images in the order in which they were asked for.

    Attributes:
        names: A path each, or `file.npz[17]`, counted from 0.
        pixels: uint8 (n, 28, 28).
        conversions: What was done to each, in words.
    """

    names: list[str]
    pixels: NDArray[np.uint8]
    conversions: list[str]


def read_images(paths: Sequence[Path], ink: int) -> NamedImages:
    """Read and convert images.

    Args:
        paths: PNG files, folders of them, and `.npz` files with an array `images`, uint8
            (n, h, w) or (n, h, w, 3).
        ink: The largest pixel value of the images that the model was trained on.

    Raises:
        InputError: A file is missing, damaged, too large or something else, or there is none.
    """
    # Pillow warns of images of more than 90 million pixels, and refuses those of twice as many
    with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning):
        names, converted = zip(*_read(paths, ink), strict=True)
    return NamedImages(
        list(names),
        np.stack([image.pixels for image in converted]),
        [image.how for image in converted],
    )


def _read(paths: Iterable[Path], ink: int) -> Iterator[tuple[str, Converted]]:
    for path in paths:
        if path.suffix == ".npz":
            yield from _read_npz(path, ink)
        else:
            yield from ((str(file), _read_png(file, ink)) for file in _png_files(path))


def _png_files(path: Path) -> list[Path]:
    """The file itself, or those of a folder and the folders in it."""
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".png")
    if not files:
        raise InputError(f"{path} has no PNG files; give a folder that has some")
    return files


def _read_png(path: Path, ink: int) -> Converted:
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            return convert(image, ink)
    except UnidentifiedImageError:
        raise InputError(f"{path} is not a PNG file, a folder of them or a .npz file") from None
    # Pillow answers damaged bytes and bombs with errors of several types; a path that cannot be
    # opened is an OSError with a number.
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error
        raise InputError(f"{path} is not an intact PNG file: {error}") from error


def _read_npz(path: Path, ink: int) -> Iterator[tuple[str, Converted]]:
    try:
        with path.open("rb") as file:
            (images,) = read_arrays(file, str(path), (ARRAY,), MAX_MEMBER_BYTES)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    _check(images, f"{path}: {ARRAY}")
    for number, image in enumerate(images):
        yield f"{path}[{number}]", convert(Image.fromarray(image), ink)


def _check(images: NDArray[Any], name: str) -> None:
    if images.dtype != np.uint8:
        raise InputError(f"{name} is {images.dtype} where uint8 is right")
    is_grey, is_coloured = images.ndim == 3, images.ndim == 4 and images.shape[3] == 3
    if not (is_grey or is_coloured) or images.size == 0:
        raise InputError(
            f"{name} has shape {images.shape} where (n, height, width) or (n, height, width, 3) "
            "is right, with at least one pixel"
        )
