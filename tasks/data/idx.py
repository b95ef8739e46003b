"""The format of the original MNIST: four IDX files in a folder, each plain or gzipped."""

import gzip
import math
import zlib
from contextlib import nullcontext
from pathlib import Path
from typing import IO

import numpy as np

from tasks.errors import InputError
from tasks.schemas.references import Pixels
from tasks.storage.files import open_regular

IDX_NAMES = (  # in the order of the fields of `arrays.Arrays`
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
IMAGE, LABEL = 2, 0  # the dimensions of what is counted in a file
MAGIC = 2048  # of unsigned bytes; a file's has the number of its dimensions added
MAX_PAYLOAD_BYTES = 600_000_000  # the largest of EMNIST's has 547,178,688


def find_idx_files(folder: Path) -> list[Path]:
    """The paths of the four files, in the order of `IDX_NAMES`; InputError if one is missing."""
    # the first in order is preferred: a plain file to a gzipped one
    found = {idx_name(path.name): path for path in sorted(folder.iterdir(), reverse=True)}
    if missing := [name for name in IDX_NAMES if name not in found]:
        raise InputError(
            f"{folder} has no file {missing[0]} or {missing[0]}.gz; "
            f"a folder of MNIST's format holds {', '.join(IDX_NAMES)}"
        )
    return [found[name] for name in IDX_NAMES]


def read_idx(path: Path, dimensions: int) -> Pixels:
    """Reads an IDX file of images, of 2 dimensions, or labels, of 0; see `parse_idx` for errors."""
    with open_regular(path) as file:
        return parse_idx(file, str(path), dimensions)


def parse_idx(file: IO[bytes], location: str, dimensions: int) -> Pixels:
    """Images, of 2 dimensions, or labels, of 0, read-only; gzipped if `location` ends in .gz.

    InputError, which calls the file `location`, if it is damaged or holds something else.
    """
    try:
        with gzip.open(file) if location.endswith(".gz") else nullcontext(file) as content:
            return _parse(content, location, dimensions)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{location} is not an intact gzip file: {error}") from error


def idx_name(name: str) -> str:
    """The one of `IDX_NAMES` that a file's name is a spelling of, or empty."""
    plain = name.removesuffix(".gz").replace(".idx", "-idx")
    return plain if plain in IDX_NAMES else ""


def is_idx_images(name: str) -> bool:
    """Whether a file's name is that of IDX images, such as `t10k-images-idx3-ubyte.gz`."""
    return name.removesuffix(".gz").endswith(("-idx3-ubyte", ".idx3-ubyte"))


def _parse(file: IO[bytes] | gzip.GzipFile, location: str, dimensions: int) -> Pixels:
    right, size = MAGIC + 1 + dimensions, 4 * (2 + dimensions)
    header = file.read(size)
    if len(header) < size:
        raise InputError(f"{location} ends within its header of {size} bytes")
    magic, *shape = np.frombuffer(header, ">u4").tolist()
    if magic != right:
        raise InputError(f"{location} starts with the number {magic} where {right} is right")
    claimed = math.prod(shape)
    # The one byte more shows a file that is too long without expanding the rest of it, and
    # takes gzip to its end, where the checksum is.
    payload = file.read(min(claimed, MAX_PAYLOAD_BYTES) + 1)
    if len(payload) != claimed:
        found = "more" if len(payload) > claimed else f"only {len(payload)}"
        raise InputError(
            f"{location} holds {found} bytes of data where its header says {claimed}, of which "
            f"{MAX_PAYLOAD_BYTES} are read at most"
        )
    return np.frombuffer(payload, np.uint8).reshape(shape)
