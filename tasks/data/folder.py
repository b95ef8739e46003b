"""Pictures in files: a folder for each class, or a CSV file that lists them."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from io import TextIOWrapper
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import IO, Literal, NamedTuple, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import track

from tasks.data import pictures
from tasks.data.arrays import Arrays
from tasks.data.held_out import split
from tasks.data.source import Reading
from tasks.errors import InputError
from tasks.schemas.images import LEAST_SIDE, Preparation
from tasks.schemas.references import Pixels
from tasks.storage.files import open_regular

HIDDEN = (".", "_")  # `._cat.jpg`, which macOS adds, `__MACOSX`, `.thumbnails`
AT_ONCE = 16  # files that a reader takes
SPLITS = ("train", "test")
COLUMNS = ("path", "label")
T = TypeVar("T")


class Line(NamedTuple):
    """A picture's path, the name of its class and its split, each empty if not given."""

    path: str
    label: str
    split: str


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture."""
    return name.lower().endswith(pictures.SUFFIXES) and not name.startswith(HIDDEN)


def is_list(name: str) -> bool:
    """Whether a file's name is that of a CSV file."""
    return name.lower().endswith(".csv")


def read_list(file: IO[bytes], location: str, needed: Sequence[str] = COLUMNS) -> Iterator[Line]:
    """The lines of a CSV file in UTF-8 with the needed columns, and perhaps `split`, as written.

    InputError, which calls the file `location`, if a column or what is needed of a line is missing,
    a split is neither train nor test, or it is no CSV file.
    """
    try:
        rows = csv.DictReader(TextIOWrapper(file, "utf-8-sig", newline=""))
        if missing := [name for name in needed if name not in (rows.fieldnames or ())]:
            raise InputError(
                f"{location} has no column {missing[0]}; it needs {' and '.join(needed)}"
            )
        for row in rows:
            yield _line(row, f"{location}, line {rows.line_num}", needed)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{location} is not a CSV file in UTF-8: {error}") from error


def with_bar(items: Iterable[T], title: str, total: int) -> Iterable[T]:
    """The items, as they pass; on a terminal, a bar shows how many of them have."""
    console = Console(stderr=True)
    return track(items, title, total, console=console, disable=not console.is_terminal)


def digest_pictures(path: Path) -> str:
    """Hex SHA-256 of all names below a folder, or beside a list, of classes, splits and bytes."""
    listed, whole, root = _list(path), sha256(), path if path.is_dir() else path.parent
    with ThreadPool() as readers:
        digests = readers.imap(
            lambda one: sha256(pictures.picture_bytes(Path(one.path))), listed, AT_ONCE
        )
        for one, digest in zip(listed, digests, strict=True):
            head = f"{os.path.relpath(one.path, root)}\0{one.label}\0{one.split}\0"
            whole.update(head.encode("utf-8", "surrogateescape") + digest.digest())
    return whole.hexdigest()


def decode_pictures(path: Path, reading: Reading) -> Arrays:
    """All pictures of a folder or of a CSV file, prepared, in an order that their names give.

    A folder has a folder for each class, or `train` and `test` with those; a CSV file is as of
    `read_list`. Without an asked size they have their own, if all have one of 8 to 128, else at
    most 64. InputError names the first unusable file, and how many more there are.
    """
    listed = _list(path)
    preparation = reading.preparation or _preparation(listed, reading)
    pixels, labels = _read_all(listed, preparation), np.array([one.label for one in listed])
    if not any(one.split for one in listed):
        return Arrays(pixels, labels)
    return Arrays(*split(pixels, labels, np.array([one.split == "test" for one in listed])))


def _line(row: dict[str, str | None], place: str, needed: Sequence[str]) -> Line:
    if empty := [name for name in needed if not (row.get(name) or "").strip()]:
        raise InputError(f"{place} has no {empty[0]}; give {'both' if len(needed) > 1 else 'one'}")
    if row.get("split") is not None and row["split"] not in SPLITS:
        raise InputError(f"{place} has the split {row['split']!r} where train or test is right")
    return Line(*(row.get(name) or "" for name in Line._fields))


def _list(path: Path) -> list[Line]:
    if found := list(_listed(path)):
        return found
    raise InputError(f"{path} has no pictures; give a folder with a folder for each class")


def _listed(root: Path) -> Iterator[Line]:
    if is_list(root.name):
        with open_regular(root) as file:
            for line in read_list(file, str(root)):
                yield line._replace(path=str(root.parent / line.path))
        return
    inside = [path.name for path in _class_folders(root)]
    if inside and set(inside) <= set(SPLITS):
        is_whole = set(inside) == set(SPLITS)
        for name in inside:
            yield from _in_class_folders(root / name, name if is_whole else "")
    else:
        yield from _in_class_folders(root, "")


def _class_folders(root: Path) -> list[Path]:
    inside = (path for path in root.iterdir() if not path.name.startswith(HIDDEN))
    return sorted(path for path in inside if path.is_dir())


def _in_class_folders(root: Path, of_split: str) -> Iterator[Line]:
    loose = [path for path in root.iterdir() if is_picture(path.name) and path.is_file()]
    if loose:
        raise InputError(
            f"{loose[0]}, one of {len(loose):,}, is in no class folder; put each picture into a "
            f"folder named by its class, as in {root.name}/cat/{loose[0].name}"
        )
    for folder in _class_folders(root):
        found = [Line(path, folder.name, of_split) for path in _pictures_below(folder)]
        if not found:
            raise InputError(f"{folder} has no {pictures.KINDS} file; put some in it or remove it")
        yield from found


def _pictures_below(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(HIDDEN))
        yield from (f"{parent}/{name}" for name in sorted(files) if is_picture(name))


def _preparation(listed: Sequence[Line], reading: Reading) -> Preparation:
    side, handwriting = reading.image_size, bool(reading.handwriting) and reading.colour != "rgb"
    sizes = [(side, side)] if side else []
    if not sizes:
        with ThreadPool() as readers:
            sizes = [size for size in readers.imap(_size, listed, AT_ONCE) if size]
    # where there are none, decoding says why
    height, width = pictures.automatic_size(sizes or [(LEAST_SIDE, LEAST_SIDE)])
    channels: Literal[1, 3] = 1 if reading.colour == "grey" or handwriting else 3
    return Preparation(height=height, width=width, channels=channels, handwriting=handwriting)


def _size(one: Line) -> tuple[int, int] | None:
    try:
        with open_regular(Path(one.path)) as file, pictures.open_picture(file, one.path) as picture:
            return pictures.size_of(picture)
    except (OSError, InputError):
        return None


def _read_all(listed: Sequence[Line], preparation: Preparation) -> Pixels:
    """Each picture as an array of its shape, in order; a bar on a terminal shows how far."""
    pixels = np.empty((len(listed), *preparation.shape), np.uint8)

    def read(row: int) -> str:
        path = listed[row].path
        try:
            content = pictures.picture_bytes(Path(path))
            pixels[row] = pictures.read_picture(content, path, preparation).pixels
        except InputError as error:
            return str(error)
        return ""

    with ThreadPool() as readers:
        told = readers.imap(read, range(len(listed)), AT_ONCE)
        flaws = [flaw for flaw in with_bar(told, "reading pictures", len(listed)) if flaw]
    if flaws:
        more = f", and {len(flaws) - 1:,} more cannot be used" if len(flaws) > 1 else ""
        raise InputError(f"{flaws[0]}{more}; mend or remove what cannot be used")
    return pixels
