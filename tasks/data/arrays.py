"""Images and labels that come as arrays, by themselves or in a .npz file, as Keras's MNIST does.

They are taken in the few forms that leave nothing unclear.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np

from tasks.errors import InputError
from tasks.schemas.references import Array, Pixels

BLOCK = 2**20  # pixels that are float64 at a time
ROUNDING = 1e-3  # of a level of 0..255, from which on a float is not a whole 255th
RIGHT_SHAPE = "(n, height, width), (n, height, width, 1) or (n, height, width, 3)"
MAX_MEMBER_BYTES = 2**32
BLOCK_BYTES = 2**25
NAMES = ("x_train", "y_train", "x_test", "y_test")  # in the order of the fields of `Arrays`
UNSPLIT = ("images", "labels")

logger = logging.getLogger(__name__)


class Arrays(NamedTuple):
    """Images and labels as a source has them, in any form; a source may have no test set."""

    train_images: Array
    train_labels: Array
    test_images: Array | None = None
    test_labels: Array | None = None


class NotIntactError(InputError):
    """A file that is no .npz, damaged, or not yet written to its end."""


class Header(NamedTuple):
    """What a .npz says of an array before its data."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]  # not of Python objects
    is_fortran: bool  # whether the first index changes fastest


def as_pixels(images: Array, name: str) -> Pixels:
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


def as_labels(labels: Array, count: int, name: str) -> Array:
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


def _rounded(images: Array, name: str) -> Pixels:
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


def read_npz(file: IO[bytes], location: str, most: int | None = None) -> Arrays:
    """Reads x_train and y_train, x_test and y_test if they are there, or images and labels.

    It never unpickles. Errors call the file `location`: NotIntactError if it is damaged or no .npz,
    InputError if an array is missing, above `most` bytes or of Python objects, OSError if unread.
    """
    with _opened(file, location) as archive:
        found = {name.removesuffix(".npy") for name in archive.namelist()}
        names: tuple[str, ...] = NAMES if found & set(NAMES[2:]) else NAMES[:2]
        if "x_train" not in found and found & set(UNSPLIT):
            names = UNSPLIT
        _check_names(archive, location, names)
        return Arrays(*[_whole(archive, location, name, most) for name in names])


def read_header(file: IO[bytes], location: str, *names: str) -> Header:
    """What a .npz says of the first of these arrays that it has; for errors see `read_npz`."""
    with _opened(file, location) as archive:
        name = next((one for one in names if f"{one}.npy" in archive.namelist()), names[0])
        _check_names(archive, location, [name])
        with _member(archive, location, name) as (header, _):
            return header


def read_blocks(file: IO[bytes], location: str, name: str) -> Iterator[Array]:
    """Reads an array in turn, as many rows as `BLOCK_BYTES` hold, or one; in Fortran order, whole.

    See `read_npz` for arguments and errors; that data are damaged is told at their end.
    """
    with _opened(file, location) as archive, _member(archive, location, name) as (header, data):
        if header.is_fortran:
            yield _whole(archive, location, name)
            return
        count, *sides = header.shape
        row_bytes = math.prod(sides) * header.dtype.itemsize
        at_once = max(1, BLOCK_BYTES // row_bytes)
        for start in range(0, count, at_once):
            rows = min(at_once, count - start)
            yield np.frombuffer(data.read(rows * row_bytes), header.dtype).reshape(rows, *sides)


@contextmanager
def _opened(file: IO[bytes], location: str) -> Iterator[ZipFile]:
    try:
        with ZipFile(file) as archive:
            yield archive
    except (InputError, OSError):
        raise
    # zipfile, zlib and NumPy answer damaged bytes with errors of a dozen types, since a name
    # is decoded, a header is parsed as a Python literal, a compression is looked up.
    except Exception as error:
        raise NotIntactError(f"{location} is not an intact .npz file: {error}") from error


def _check_names(archive: ZipFile, location: str, needed: Sequence[str]) -> None:
    for name in needed:
        if f"{name}.npy" not in archive.namelist():
            raise InputError(f"{location} has no array {name}; it needs {', '.join(needed)}")


@contextmanager
def _member(
    archive: ZipFile, location: str, name: str, most: int | None = None
) -> Iterator[tuple[Header, IO[bytes]]]:
    """What an array is, and its data, which are so far not read."""
    info, most = archive.getinfo(f"{name}.npy"), most or MAX_MEMBER_BYTES
    if info.file_size > most:
        raise InputError(f"{location}: {name} has {info.file_size} bytes where {most} are the most")
    # zipfile unpacks bz2 and LZMA without a limit: gigabytes from a few kilobytes
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise InputError(
            f"{location}: {name} is compressed as NumPy never does; use np.savez_compressed"
        )
    with archive.open(info) as member:
        # NumPy writes version 1.0 for every array that is not of named fields
        np.lib.format.read_magic(member)
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(member)
        if dtype.hasobject:
            raise InputError(
                f"{location}: {name} holds Python objects, which are never loaded; give text with "
                "dtype=str, and images of several sizes as files"
            )
        yield Header(name, shape, dtype, is_fortran), member


def _whole(archive: ZipFile, location: str, name: str, most: int | None = None) -> Array:
    with _member(archive, location, name, most), archive.open(f"{name}.npy") as member:
        return np.asarray(np.lib.format.read_array(member, allow_pickle=False))
