"""The format of the original MNIST: four IDX files in a folder, each plain or gzipped."""

import gzip
import math
import zlib
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.data.source import Images
from tasks.errors import InputError

IDX_NAMES = (  # in the order of the fields of `Images`
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
IMAGES_MAGIC = 2051
LABELS_MAGIC = 2049
MAX_PAYLOAD_BYTES = 2**30


def find_idx_files(folder: Path) -> list[Path]:
    """The paths of the four files, in the order of `IDX_NAMES`; InputError if one is missing."""
    return [_find_idx_file(folder, name) for name in IDX_NAMES]


def read_idx_folder(folder: Path) -> Images:
    """Reads the four IDX files of a folder; what is read cannot be written to.

    Whether labels are 0 to 9, and as many as the images, is not checked here.

    Raises:
        InputError: a file is missing, damaged, or not IDX images or labels.
    """
    readers = (read_idx_images, read_idx_labels) * 2
    return Images(*(read(path) for read, path in zip(readers, find_idx_files(folder), strict=True)))


def read_idx_images(path: Path) -> NDArray[np.uint8]:
    """Reads one IDX file of 28x28 images, gzipped if its name ends in .gz."""
    return _read_idx(path, IMAGES_MAGIC, (28, 28))


def read_idx_labels(path: Path) -> NDArray[np.uint8]:
    """Reads one IDX file of labels, gzipped if its name ends in .gz."""
    return _read_idx(path, LABELS_MAGIC, ())


def _find_idx_file(folder: Path, name: str) -> Path:
    dotted = name.replace("-idx", ".idx")
    for candidate in (name, f"{name}.gz", dotted, f"{dotted}.gz"):
        if (folder / candidate).is_file():
            return folder / candidate
    raise InputError(
        f"{folder} has no file {name} or {name}.gz; "
        f"a folder of MNIST's format holds {', '.join(IDX_NAMES)}"
    )


def _read_idx(path: Path, magic: int, item_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            count = _read_count(file, path, magic, item_shape)
            payload = _read_payload(file, path, count * math.prod(item_shape))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path} is not an intact gzip file: {error}") from error
    return np.frombuffer(payload, np.uint8).reshape((count, *item_shape))


def _read_count(file: BufferedIOBase, path: Path, magic: int, item_shape: tuple[int, ...]) -> int:
    size = 4 * (2 + len(item_shape))
    header = file.read(size)
    if len(header) < size:
        raise InputError(f"{path} ends within its header of {size} bytes")
    found_magic, count, *found_shape = np.frombuffer(header, ">u4").tolist()
    if found_magic != magic:
        raise InputError(f"{path} starts with the number {found_magic} where {magic} is right")
    if tuple(found_shape) != item_shape:
        found = "x".join(map(str, found_shape))
        raise InputError(f"{path} holds images of {found} pixels where 28x28 is right")
    return int(count)


def _read_payload(file: BufferedIOBase, path: Path, size: int) -> bytes:
    if size > MAX_PAYLOAD_BYTES:
        raise InputError(f"{path} claims {size} bytes where {MAX_PAYLOAD_BYTES} are the most")
    # The one byte more shows a file that is too long without expanding the rest of it, and
    # takes gzip to its end, where the checksum is.
    payload = file.read(size + 1)
    if len(payload) != size:
        found = "more" if len(payload) > size else f"only {len(payload)}"
        raise InputError(f"{path} holds {found} bytes of data where its header says {size}")
    return payload
