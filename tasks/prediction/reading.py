"""From the names of files and folders to images that a model understands."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from tasks.data.arrays import Header, as_pixels, flaw_of, read_blocks, read_header
from tasks.data.folder import is_list, is_picture, read_list
from tasks.data.idx import IMAGE, is_idx_images, parse_idx, read_idx
from tasks.data.pictures import KINDS, MAX_PIXELS, picture_bytes, prepare_array, read_picture
from tasks.errors import InputError
from tasks.networks.export import BATCH
from tasks.schemas.images import Preparation
from tasks.schemas.references import Pixels
from tasks.storage.files import open_regular

ARRAYS = ("images", "x_test", "x_train")  # of a .npz; the first that is there
MAX_IMAGES = 1_000_000  # of one call
Found: TypeAlias = tuple[str, Pixels | Path]  # its name, and an image or its file


class NamedImages(NamedTuple):
    """Images uint8 (n, ...) of a model's shape, in the order in which they were asked for."""

    names: list[str]  # paths, or as `file.npz[17]`, counted from 0
    pixels: Pixels
    conversions: list[str]  # in words


def count_images(paths: Sequence[Path]) -> int:
    """How many images there are, 1 to `MAX_IMAGES`; InputError if more, none, or unusable ones."""
    total = 0
    for path, total in zip(paths, accumulate(map(_count, paths)), strict=True):
        if total > MAX_IMAGES:
            raise InputError(
                f"with {path} there are more than {MAX_IMAGES} images; give them in parts"
            )
    return total


def read_images(paths: Sequence[Path], preparation: Preparation) -> Iterator[NamedImages]:
    """Read and prepare images, batch by batch.

    Paths are pictures, folders of them, CSV files with a column `path`, IDX images, and `.npz`
    files, of which the first of `ARRAYS` is read. InputError if a file is missing or unusable.
    """
    # here: threads wait for each other, and for small pictures processes cost what they save
    found = chain.from_iterable(map(_find, paths))
    while batch := list(islice(found, BATCH)):
        prepared = [
            read_picture(picture_bytes(image), name, preparation)
            if isinstance(image, Path)
            else prepare_array(image, preparation)
            for name, image in batch
        ]
        pixels, conversions = zip(*prepared, strict=True)
        yield NamedImages([name for name, _ in batch], np.stack(pixels), list(conversions))


def _count(path: Path) -> int:
    """The images that a path names; of a folder, one more than are allowed at most."""
    with _told(path):
        if path.is_dir() or is_list(path.name):
            return sum(1 for _ in islice(_files(path), MAX_IMAGES + 1))
        with open_regular(path) as file:
            if path.suffix == ".npz":
                return _header(file, path).shape[0]
            return len(parse_idx(file, str(path), IMAGE)) if is_idx_images(path.name) else 1


def _find(path: Path) -> Iterator[Found]:
    with _told(path):
        for file in _files(path):
            if file.suffix == ".npz" or is_idx_images(file.name):
                images = _npz_images(file) if file.suffix == ".npz" else read_idx(file, IMAGE)
                yield from ((f"{file}[{number}]", image) for number, image in enumerate(images))
            else:
                yield str(file), file


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """An error of the system in one sentence, which names the file below `path` if it does."""
    try:
        yield
    except OSError as error:
        place = error.filename or path
        raise InputError(f"{place} cannot be read: {error.strerror or error}") from error


def _files(path: Path) -> Iterator[Path]:
    """Those of a folder, or that a CSV file lists, or the file itself."""
    if path.is_dir():
        yield from _picture_files(path)
    elif is_list(path.name):
        with open_regular(path) as file:
            for line in read_list(file, str(path), ("path",)):
                yield path.parent / line.path
    else:
        yield path


def _picture_files(folder: Path) -> Iterator[Path]:
    """Those of a folder and of the folders in it, by name; links to folders are none."""
    found = False
    waiting = [(str(folder), True)]
    while waiting:
        path, is_folder = waiting.pop()
        if is_folder:
            with os.scandir(path) as entries:
                inside = [(one.path, one.is_dir(follow_symlinks=False)) for one in entries]
            waiting += sorted(inside, reverse=True)
        elif is_picture(Path(path).name) or is_idx_images(path):
            found, file = True, Path(path)
            if file.is_symlink() and not file.resolve().is_relative_to(folder.resolve()):
                raise InputError(f"{file} is a link out of {folder}; give what it points at itself")
            yield file
    if not found:
        raise InputError(f"{folder} has no {KINDS} files; give a folder that has some")


def _npz_images(path: Path) -> Iterator[Pixels]:
    with open_regular(path) as file:
        array = _header(file, path).name
        for block in read_blocks(file, str(path), array):
            yield from as_pixels(block, f"{path}: {array}")


def _header(file: BufferedReader, path: Path) -> Header:
    """What a .npz says of the array that has the images, if that is right."""
    header = read_header(file, str(path), *ARRAYS)
    name = f"{path}: {header.name}"
    if flaw := flaw_of(header.shape, header.dtype):
        raise InputError(f"{name} {flaw}")
    if not header.shape[0]:
        raise InputError(f"{name} are none where at least one is needed")
    if header.shape[1] * header.shape[2] > MAX_PIXELS:
        raise InputError(
            f"{name}: an image has more than {MAX_PIXELS:,} pixels; give it in a smaller size"
        )
    return header
