"""Pictures in files: a folder for each class, or a CSV file that lists them."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from tasks.data.files import open_regular
from tasks.data.lists import SPLITS, Line, is_list, read_list
from tasks.data.pictures import (
    KINDS,
    SUFFIXES,
    PictureError,
    automatic_size,
    is_coloured,
    open_picture,
    picture_bytes,
    read_picture,
    size_of,
)
from tasks.data.source import Reading
from tasks.errors import InputError
from tasks.schemas.images import LEAST_SIDE, Preparation

HIDDEN = (".", "_")  # `._cat.jpg`, which macOS adds, `__MACOSX`, `.thumbnails`
AT_ONCE = 1_000  # files that wait to be decoded
READERS = max(2, os.cpu_count() or 1)

Found: TypeAlias = tuple[NDArray[np.uint8], bytes] | PictureError


class Decoded(NamedTuple):
    """All pictures of a list in its order, and the digest of the files that they came from."""

    pixels: NDArray[np.uint8]  # (n, height, width) or (n, height, width, 3)
    preparation: Preparation
    sha256: str


def is_class_folder(path: Path) -> bool:
    """Whether a folder is to be a class or a split, and not what a system hides in it."""
    return path.is_dir() and not path.name.startswith(HIDDEN)


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(HIDDEN)


def list_pictures(path: Path) -> list[Line]:
    """The pictures of a folder or of a CSV file, in an order that follows from their names.

    A folder has a folder for each class, or `train` and `test` with those. A CSV file has columns
    `path`, relative to its folder, `label`, and perhaps `split`. InputError if there is no picture,
    or it is neither.
    """
    found = list(_listed(path))
    if not found:
        raise InputError(f"{path} has no pictures; give a folder with a folder for each class")
    if {listed.split for listed in found} == {"test"}:
        raise InputError(f"{path} has test images alone; give images to train on, too")
    return found


def digest_pictures(listed: Sequence[Line], path: Path) -> str:
    """Hex SHA-256 of all names below a folder, or beside a list, of classes, splits and bytes."""
    with ThreadPoolExecutor(READERS) as readers:
        digests = readers.map(lambda one: sha256(picture_bytes(Path(one.path))).digest(), listed)
        return _digest(listed, path, digests)


def decode_pictures(listed: Sequence[Line], path: Path, reading: Reading) -> Decoded:
    """Read and prepare all pictures of a list, many at a time.

    Where no size is asked for all have their own, if that is one of 8 to 128 pixels, else at most
    64. InputError names the first file that cannot be used, and how many more.
    """
    preparation = reading.preparation or _preparation(listed, reading)
    pixels = np.empty((len(listed), *preparation.shape), np.uint8)
    digests, flaws = list[bytes](), list[str]()
    for row, found in enumerate(_read_all(listed, preparation)):
        if isinstance(found, PictureError):
            flaws.append(str(found))
            continue
        pixels[row], digest = found
        digests.append(digest)
    if flaws:
        more = f", and {len(flaws) - 1:,} more cannot be used" if len(flaws) > 1 else ""
        raise InputError(f"{flaws[0]}{more}; mend or remove what cannot be used")
    may_be_grey = reading.colour == "auto" and not reading.preparation
    if may_be_grey and preparation.channels == 3 and not any(map(is_coloured, pixels)):
        pixels = np.ascontiguousarray(pixels[..., 0])
        preparation = preparation.model_copy(update={"channels": 1})
    return Decoded(pixels, preparation, _digest(listed, path, digests))


def _listed(root: Path) -> Iterator[Line]:
    if is_list(root.name):
        with open_regular(root) as file:
            for line in read_list(file, str(root)):
                yield line._replace(path=str(root.parent / line.path))
        return
    inside = sorted(path.name for path in root.iterdir() if is_class_folder(path))
    if inside and set(inside) <= set(SPLITS):
        is_whole = set(inside) == set(SPLITS)
        for name in inside:
            yield from _in_class_folders(root / name, name if is_whole else "")
    else:
        yield from _in_class_folders(root, "")


def _in_class_folders(root: Path, split: str) -> Iterator[Line]:
    classes = sorted(path for path in root.iterdir() if is_class_folder(path))
    loose = [path for path in root.iterdir() if is_picture(path.name) and path.is_file()]
    if loose:
        raise InputError(
            f"{loose[0]}, one of {len(loose):,}, is in no class folder; put each picture into a "
            f"folder named by its class, as in {root.name}/cat/{loose[0].name}"
        )
    for folder in classes:
        found = [Line(path, folder.name, split) for path in _pictures_below(folder)]
        if not found:
            raise InputError(f"{folder} has no {KINDS} file; put some in it or remove it")
        yield from found


def _pictures_below(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(HIDDEN))
        yield from (f"{parent}/{name}" for name in sorted(files) if is_picture(name))


def _preparation(listed: Sequence[Line], reading: Reading) -> Preparation:
    """As it is asked for; colours are kept until all pictures are seen."""
    side, handwriting = reading.image_size, bool(reading.handwriting)
    sizes = [(side, side)] if side else []
    if not sizes:
        with ThreadPoolExecutor(READERS) as readers:
            sizes = [size for size in readers.map(_size, listed) if size]
    # where there are none, decoding says why
    height, width = automatic_size(sizes or [(LEAST_SIDE, LEAST_SIDE)])
    channels: Literal[1, 3] = 1 if reading.colour == "grey" or handwriting else 3
    return Preparation(height=height, width=width, channels=channels, handwriting=handwriting)


def _size(one: Line) -> tuple[int, int] | None:
    try:
        with open_regular(Path(one.path)) as file, open_picture(file, one.path) as picture:
            return size_of(picture)
    except (OSError, InputError):
        return None


def _read_all(listed: Sequence[Line], preparation: Preparation) -> Iterator[Found]:
    """Each picture with the digest of its file, in order; a bar on a terminal shows how far."""
    console, read = Console(stderr=True), partial(_read, preparation=preparation)
    parts = (listed[start : start + AT_ONCE] for start in range(0, len(listed), AT_ONCE))
    with ThreadPoolExecutor(READERS) as readers:
        found = chain.from_iterable(readers.map(read, part) for part in parts)
        title, hidden = "reading pictures", not console.is_terminal
        yield from track(found, title, len(listed), console=console, disable=hidden)


def _read(listed: Line, preparation: Preparation) -> Found:
    try:
        content = picture_bytes(Path(listed.path))
        prepared = read_picture(content, listed.path, preparation)
    except PictureError as error:
        return error
    return prepared.pixels, sha256(content).digest()


def _digest(listed: Sequence[Line], path: Path, digests: Iterable[bytes]) -> str:
    whole, root = sha256(), path if path.is_dir() else path.parent
    for one, digest in zip(listed, digests, strict=True):
        name = os.path.relpath(one.path, root)
        head = f"{name}\0{one.label}\0{one.split}\0"
        whole.update(head.encode("utf-8", "surrogateescape") + digest)
    return whole.hexdigest()
