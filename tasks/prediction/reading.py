"""From the names of files and folders to images that a model understands."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.data.arrays import as_pixels, dtype_flaw, shape_flaw
from tasks.data.files import open_regular
from tasks.data.npz import Header, read_blocks, read_header
from tasks.data.pictures import (
    KINDS,
    MAX_PIXELS,
    SUFFIXES,
    picture_bytes,
    prepare_array,
    read_picture,
)
from tasks.errors import InputError
from tasks.networks.inference import BATCH_IMAGES
from tasks.schemas.images import Preparation

ARRAY = "images"
MAX_IMAGES = 1_000_000  # of one call
CHUNK_IMAGES = 20 * BATCH_IMAGES  # whole batches, so that chunks do not change what a model says


class NamedImages(NamedTuple):
    """Images uint8 (n, ...) of a model's shape, in the order in which they were asked for.

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


def read_images(paths: Sequence[Path], preparation: Preparation) -> Iterator[NamedImages]:
    """Read and prepare images, `CHUNK_IMAGES` at a time.

    Paths are pictures, folders of them, and `.npz` files with an array `images`; for their forms
    see `read_picture` and `as_pixels`. InputError if a file is missing, damaged or too large, or
    there is none.
    """
    images = chain.from_iterable(_read(path, preparation) for path in paths)
    while chunk := list(islice(images, CHUNK_IMAGES)):
        names, pixels, conversions = zip(*chunk, strict=True)
        yield NamedImages(list(names), np.stack(pixels), list(conversions))


def _count(path: Path) -> int:
    """The images that a path names; of a folder, one more than are allowed at most."""
    if path.is_dir():
        return sum(1 for _ in islice(_picture_files(path), MAX_IMAGES + 1))
    with _told(path), open_regular(path, follow_link=True) as file:
        return _header(file, path).shape[0] if path.suffix == ".npz" else 1


def _read(path: Path, preparation: Preparation) -> Iterator[tuple[str, NDArray[np.uint8], str]]:
    if path.suffix == ".npz" and not path.is_dir():
        yield from _read_npz(path, preparation)
        return
    for file in _picture_files(path) if path.is_dir() else (path,):
        yield str(file), *read_picture(picture_bytes(file), str(file), preparation)


@contextmanager
def _told(path: Path | str) -> Iterator[None]:
    """An error of the system in one sentence."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def _picture_files(folder: Path) -> Iterator[Path]:
    """Those of a folder and of the folders in it, by name."""
    found = False
    waiting = [(str(folder), True)]
    while waiting:
        path, is_folder = waiting.pop()
        if is_folder:
            waiting += sorted(_folders_and_pictures(path), reverse=True)
        else:
            found = True
            yield Path(path)
    if not found:
        raise InputError(f"{folder} has no {KINDS} files; give a folder that has some")


def _folders_and_pictures(folder: str) -> Iterator[tuple[str, bool]]:
    """Paths, and whether each is a folder; links to folders are none."""
    with _told(folder), os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder or Path(entry.name).suffix.lower() in SUFFIXES:
                yield entry.path, is_folder


def _read_npz(path: Path, preparation: Preparation) -> Iterator[tuple[str, NDArray[np.uint8], str]]:
    with _told(path), open_regular(path, follow_link=True) as file:
        _header(file, path)
        blocks = read_blocks(file, str(path), ARRAY)
        images = chain.from_iterable(as_pixels(block, f"{path}: {ARRAY}") for block in blocks)
        for number, image in enumerate(images):
            yield f"{path}[{number}]", *prepare_array(image, preparation)


def _header(file: BufferedReader, path: Path) -> Header:
    """What a .npz says of its array `images`, if that is right."""
    name = f"{path}: {ARRAY}"
    header = read_header(file, str(path), ARRAY)
    if flaw := shape_flaw(header.shape) or dtype_flaw(header.dtype):
        raise InputError(f"{name} {flaw}")
    if not header.shape[0]:
        raise InputError(f"{name} are none where at least one is needed")
    if header.shape[1] * header.shape[2] > MAX_PIXELS:
        raise InputError(
            f"{name}: an image has more than {MAX_PIXELS:,} pixels; give it in a smaller size"
        )
    return header
