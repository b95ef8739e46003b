"""From the names of files and folders to images that a model understands."""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tasks.data.files import open_regular, read_regular
from tasks.data.npz import Header, read_blocks, read_header
from tasks.errors import InputError
from tasks.networks.inference import BATCH_IMAGES
from tasks.prediction.conversion import Converted, convert

ARRAY = "images"
MAX_IMAGES = 1_000_000  # of one call
MAX_PIXELS = 50_000_000  # of one image; Pillow would warn above 90 million
MAX_PNG_BYTES = 2**28
CHUNK_IMAGES = 20 * BATCH_IMAGES  # whole batches, so that chunks do not change what a model says


class NamedImages(NamedTuple):
    """Images uint8 (n, 28, 28) in the order in which they were asked for.

    The name of each is a path, or `file.npz[17]`, counted from 0; its conversion is in words.
    """

    names: list[str]
    pixels: NDArray[np.uint8]
    conversions: list[str]


def check_images(paths: Sequence[Path]) -> None:
    """See that there are images, and not too many, before a model is loaded for them.

    Raises InputError if a path is missing or something else, an array `images` is not what it
    should be, or there are more than `MAX_IMAGES`.
    """
    for path, total in zip(paths, accumulate(map(_count, paths)), strict=True):
        if total > MAX_IMAGES:
            raise InputError(
                f"with {path} there are more than {MAX_IMAGES} images; give them in parts"
            )


def read_images(paths: Sequence[Path], max_pixel: int) -> Iterator[NamedImages]:
    """Read and convert images, `CHUNK_IMAGES` at a time; for `max_pixel` see `convert`.

    Paths are PNG files, folders of them, and `.npz` files with an array `images`, uint8 (n, h, w)
    or (n, h, w, 3). InputError if a file is missing, damaged or too large, or there is none.
    """
    images = chain.from_iterable(_read(path, max_pixel) for path in paths)
    while chunk := list(islice(images, CHUNK_IMAGES)):
        names, pixels, conversions = zip(*chunk, strict=True)
        yield NamedImages(list(names), np.stack(pixels), list(conversions))


def _count(path: Path) -> int:
    """The images that a path names; of a folder, one more than are allowed at most."""
    if path.is_dir():
        return sum(1 for _ in islice(_png_files(path), MAX_IMAGES + 1))
    with _told(path), open_regular(path, follow_link=True) as file:
        return _header(file, path).shape[0] if path.suffix == ".npz" else 1


def _read(path: Path, max_pixel: int) -> Iterator[tuple[str, NDArray[np.uint8], str]]:
    if path.suffix == ".npz" and not path.is_dir():
        yield from _read_npz(path, max_pixel)
        return
    for file in _png_files(path) if path.is_dir() else (path,):
        yield str(file), *_read_png(file, max_pixel)


@contextmanager
def _told(path: Path | str) -> Iterator[None]:
    """An error of the system in one sentence."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def _png_files(folder: Path) -> Iterator[Path]:
    """Those of a folder and of the folders in it, by name."""
    found = False
    waiting = [(str(folder), True)]
    while waiting:
        path, is_folder = waiting.pop()
        if is_folder:
            waiting += sorted(_folders_and_pngs(path), reverse=True)
        else:
            found = True
            yield Path(path)
    if not found:
        raise InputError(f"{folder} has no PNG files; give a folder that has some")


def _folders_and_pngs(folder: str) -> Iterator[tuple[str, bool]]:
    """Paths, and whether each is a folder; links to folders are none."""
    with _told(folder), os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder or Path(entry.name).suffix.lower() == ".png":
                yield entry.path, is_folder


def _read_png(path: Path, max_pixel: int) -> Converted:
    content = BytesIO(_content(path))
    try:
        with (
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            Image.open(content, formats=["PNG"]) as image,
        ):
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            image.load()
            return convert(image, max_pixel)
    except UnidentifiedImageError:
        raise InputError(f"{path} is not a PNG file, a folder of them or a .npz file") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(str(path)) from None
    except Exception as error:  # Pillow answers damaged bytes with errors of many types
        raise InputError(f"{path} is not an intact PNG file: {error}") from error


def _content(path: Path) -> bytes:
    with _told(path):
        content = read_regular(path, follow_link=True, most=MAX_PNG_BYTES)
    if len(content) > MAX_PNG_BYTES:
        raise InputError(f"{path} has more than {MAX_PNG_BYTES} bytes; give a smaller image")
    return content


def _read_npz(path: Path, max_pixel: int) -> Iterator[tuple[str, NDArray[np.uint8], str]]:
    with _told(path), open_regular(path, follow_link=True) as file:
        _header(file, path)
        blocks = read_blocks(file, str(path), ARRAY)
        for number, image in enumerate(chain.from_iterable(blocks)):
            yield f"{path}[{number}]", *convert(Image.fromarray(image), max_pixel)


def _header(file: BufferedReader, path: Path) -> Header:
    """What a .npz says of its array `images`, if that is right."""
    name = f"{path}: {ARRAY}"
    header = read_header(file, str(path), ARRAY)
    if header.dtype != np.uint8:
        raise InputError(f"{name} is {header.dtype} where uint8 is right")
    shape = header.shape
    if len(shape) not in (3, 4) or shape[3:] not in ((), (3,)) or min(shape) < 1:
        raise InputError(
            f"{name} has shape {shape} where (n, height, width) or (n, height, width, 3) "
            "is right, with at least one pixel"
        )
    if shape[1] * shape[2] > MAX_PIXELS:
        raise _too_many_pixels(name)
    return header


def _too_many_pixels(name: str) -> InputError:
    return InputError(
        f"{name}: an image has more than {MAX_PIXELS} pixels; give it in a smaller size"
    )
