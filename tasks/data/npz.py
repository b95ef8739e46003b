"""The format of Keras's MNIST: one .npz file with four named arrays."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
from numpy.typing import NDArray

from tasks.data.source import Arrays
from tasks.errors import InputError

MAX_MEMBER_BYTES = 2**32
BLOCK_BYTES = 2**25
NAMES = ("x_train", "y_train", "x_test", "y_test")  # in the order of the fields of `Arrays`
UNSPLIT = ("images", "labels")


class NotIntactError(InputError):
    """A file that is no .npz, damaged, or not yet written to its end."""


@dataclass(frozen=True)
class Header:
    """What a .npz says of an array before its data, which take as many bytes as that asks for."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]  # not of Python objects
    is_fortran: bool  # whether the first index changes fastest
    bytes: int  # where the data start

    @property
    def row_bytes(self) -> int:
        """The data of one index of the first axis."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize


def read_npz(file: IO[bytes], location: str, most: int | None = None) -> Arrays:
    """Reads x_train and y_train, x_test and y_test if they are there, or images and labels.

    It never unpickles. An error calls the file `location`; one array may take `most` bytes, header
    included. Raises NotIntactError if the file is not a .npz or damaged, InputError if an array is
    missing, too large or made of Python objects, OSError if the file cannot be read.
    """
    with _opened(file, location) as archive:
        found, arrays = _names(archive), []
        names: tuple[str, ...] = NAMES if found & set(NAMES[2:]) else NAMES[:2]
        if "x_train" not in found and found & set(UNSPLIT):
            names = UNSPLIT
        for name in names:
            _header(archive, location, name, names, most)  # before NumPy makes room for it
            with archive.open(f"{name}.npy") as member:
                arrays.append(np.lib.format.read_array(member, allow_pickle=False))
        return Arrays(*arrays)


def read_header(file: IO[bytes], location: str, *names: str) -> Header:
    """What a .npz says of the first of these arrays that it has; for errors see `read_npz`."""
    with _opened(file, location) as archive:
        found = _names(archive)
        name = next((one for one in names if one in found), names[0])
        return _header(archive, location, name)


def read_blocks(file: IO[bytes], location: str, name: str) -> Iterator[NDArray[Any]]:
    """Reads an array that has rows in turn, as many as `BLOCK_BYTES` hold, or one if it is larger.

    See `read_npz` for arguments and errors; that data are damaged is told at their end.
    """
    with _opened(file, location) as archive:
        header = _header(archive, location, name)
        read = _columns if header.is_fortran else _rows
        yield from read(archive, header, max(1, BLOCK_BYTES // header.row_bytes))


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


def _names(archive: ZipFile) -> set[str]:
    return {name.removesuffix(".npy") for name in archive.namelist()}


def _header(
    archive: ZipFile,
    location: str,
    name: str,
    needed: tuple[str, ...] = (),
    most: int | None = None,
) -> Header:
    if f"{name}.npy" not in archive.namelist():
        raise InputError(f"{location} has no array {name}; it needs {', '.join(needed or [name])}")
    info, most = archive.getinfo(f"{name}.npy"), most or MAX_MEMBER_BYTES
    if info.file_size > most:
        raise InputError(f"{location}: {name} has {info.file_size} bytes where {most} are the most")
    # zipfile unpacks bz2 and LZMA without a limit: gigabytes from a few kilobytes
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise InputError(
            f"{location}: {name} is compressed as NumPy never does; use np.savez_compressed"
        )
    with archive.open(info) as member:
        return _parsed(member, info.file_size, location, name)


def _parsed(member: IO[bytes], size: int, location: str, name: str) -> Header:
    # NumPy writes version 1.0 for every array that is not of named fields.
    np.lib.format.read_magic(member)
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(member)
    if dtype.hasobject:
        raise InputError(
            f"{location}: {name} holds Python objects, which are never loaded; give text with "
            "dtype=str, and images of several sizes as files"
        )
    header = Header(name, shape, dtype, is_fortran, member.tell())
    claimed = header.bytes + math.prod(shape) * dtype.itemsize
    if claimed != size:
        raise InputError(f"{location}: {name} has {size} bytes where its header says {claimed}")
    return header


def _rows(archive: ZipFile, header: Header, rows: int) -> Iterator[NDArray[Any]]:
    count, *sides = header.shape
    with archive.open(f"{header.name}.npy") as member:
        member.read(header.bytes)
        for start in range(0, count, rows):
            yield _next(member, (min(rows, count - start), *sides), header.dtype)


def _columns(archive: ZipFile, header: Header, rows: int) -> Iterator[NDArray[Any]]:
    """Each block goes through the whole member, where a row's elements lie far apart."""
    count, *sides = header.shape
    columns, at_once = math.prod(sides), max(1, BLOCK_BYTES // (count * header.dtype.itemsize))
    for start in range(0, count, rows):
        block = np.empty((columns, min(rows, count - start)), header.dtype)
        with archive.open(f"{header.name}.npy") as member:
            member.read(header.bytes)
            for first in range(0, columns, at_once):
                part = block[first : first + at_once]
                some = _next(member, (len(part), count), header.dtype)
                part[:] = some[:, start : start + rows]
        yield block.T.reshape((-1, *sides), order="F")


def _next(member: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.frombuffer(member.read(math.prod(shape) * dtype.itemsize), dtype).reshape(shape)
