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
    try:
        with zipfile.ZipFile(path) as archive:
            return Images(
                train_images=_read_array(archive, path, "x_train"),
                train_labels=_read_array(archive, path, "y_train"),
                test_images=_read_array(archive, path, "x_test"),
                test_labels=_read_array(archive, path, "y_test"),
            )
    except (InputError, OSError):
        raise
    # zipfile, zlib and NumPy answer damaged bytes with errors of a dozen types, since a name
    # is decoded, a header is parsed as a Python literal, a compression is looked up.
    except Exception as error:
        raise InputError(f"{path} is not an intact .npz file: {error}") from error


def _read_array(archive: zipfile.ZipFile, path: Path, name: str) -> NDArray[Any]:
    if f"{name}.npy" not in archive.namelist():
        raise InputError(f"{path} has no array {name}; it needs x_train, y_train, x_test, y_test")
    size = archive.getinfo(f"{name}.npy").file_size
    if size > MAX_MEMBER_BYTES:
        raise InputError(f"{path}: {name} has {size} bytes where {MAX_MEMBER_BYTES} are the most")
    with archive.open(f"{name}.npy") as member:
        _check_header(member, size, f"{path}: {name}")
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
