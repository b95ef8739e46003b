"""The format of Keras's MNIST: one .npz file with four named arrays."""

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InputError
from tasks.sources.source import Images

MAX_MEMBER_BYTES = 2**30
NAMES = ("x_train", "y_train", "x_test", "y_test")  # in the order of the fields of `Images`


class NotIntactError(InputError):
    """A file that is no .npz, damaged, or not yet written to its end."""


def read_npz(path: Path) -> Images:
    """Reads x_train, y_train, x_test and y_test; never unpickles.

    Returns:
        the arrays as they are stored: what their shapes, dtypes and values are is not
        checked here.

    Raises:
        InputError: the file is not a .npz or damaged, or an array is missing, too large or
            made of Python objects.
        OSError: the file cannot be opened.
    """
    with path.open("rb") as file:
        return Images(*read_arrays(file, str(path), NAMES, MAX_MEMBER_BYTES))


def read_arrays(
    file: IO[bytes], location: str, names: tuple[str, ...], max_bytes: int
) -> list[NDArray[Any]]:
    """Reads the named arrays of a .npz, in the order of their names; never unpickles.

    Args:
        file: the open file.
        location: what an error calls it.
        names: the arrays that it must have; others are not read.
        max_bytes: the most that one array may take, header included.

    Raises:
        NotIntactError: the file is not a .npz or damaged.
        InputError: an array is missing, too large or made of Python objects.
        OSError: the file cannot be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return [_read_array(archive, location, name, names, max_bytes) for name in names]
    except (InputError, OSError):
        raise
    # zipfile, zlib and NumPy answer damaged bytes with errors of a dozen types, since a name
    # is decoded, a header is parsed as a Python literal, a compression is looked up.
    except Exception as error:
        raise NotIntactError(f"{location} is not an intact .npz file: {error}") from error


def _read_array(
    archive: zipfile.ZipFile, location: str, name: str, names: tuple[str, ...], max_bytes: int
) -> NDArray[Any]:
    if f"{name}.npy" not in archive.namelist():
        raise InputError(f"{location} has no array {name}; it needs {', '.join(names)}")
    size = archive.getinfo(f"{name}.npy").file_size
    if size > max_bytes:
        raise InputError(f"{location}: {name} has {size} bytes where {max_bytes} are the most")
    with archive.open(f"{name}.npy") as member:
        _check_header(member, size, f"{location}: {name}")
    with archive.open(f"{name}.npy") as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    return array


def _check_header(member: IO[bytes], size: int, name: str) -> None:
    """Refuses an array before NumPy makes room for what its header claims."""
    # NumPy writes version 1.0 for every array that is not of named fields.
    np.lib.format.read_magic(member)
    shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    if dtype.hasobject:
        raise InputError(f"{name} holds Python objects, which are never loaded")
    claimed = member.tell() + math.prod(shape) * dtype.itemsize
    if claimed != size:
        raise InputError(f"{name} has {size} bytes where its header says {claimed}")
