"""The inbox: what lies in a folder, local or remote, as batches, and where bad ones are put.

Only regular files and folders are ever read. What a file system raises may be of any kind.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from tasks.arrivals.decode import MAX_BYTES, is_of_a_batch
from tasks.data.folder import is_list, is_picture
from tasks.data.idx import idx_name
from tasks.errors import InputError, in_one_line, printable
from tasks.schemas.images import ClassName
from tasks.storage.files import read_file

QUARANTINE = "quarantine"
REASON = ".reason.txt"
MAX_REASON_BYTES = 2**20
ADVICE = "Put that right and drop it again, or approve what `flows/retrain.py review` lists of it."
LOOSE = "loose-pictures"
UNFINISHED_PREFIXES = (".", "_")
UNFINISHED_SUFFIXES = (".part", ".tmp", ".crdownload")
BEING_WRITTEN = "it is still being written"
READERS = 16  # files of a remote batch that are read at a time
MAX_DEPTH = 100  # a batch has label folders, and those have files
TOO_DEEP = f"lies more than {MAX_DEPTH} folders deep"


class UnfinishedError(Exception):
    """A batch that is left for the next run, and why."""


@dataclass(frozen=True)
class Entry:
    """A file, a folder (or a link to one), or what is neither, by its path in the file system."""

    path: str
    bytes: int  # the size of a file; 0 also where that is not known
    is_folder: bool
    flaw: str = ""  # why it is not read, in words

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True)
class Delivery:
    """What lies in the inbox as one batch."""

    name: str  # of the file or folder, printable; `LOOSE` of the class folders of the inbox itself
    files: dict[str, Entry]  # by path inside the batch, as in `3/a.png`, sorted
    entries: tuple[str, ...]  # paths of the file system that make it up
    obstacle: str  # why it cannot be checked yet, in words; empty if it can
    flaw: str  # why it is never read

    @property
    def is_npz(self) -> bool:
        """Whether it is one .npz file, else a folder."""
        return list(self.files) == [self.name]


@dataclass(frozen=True)
class Inbox:
    """A folder `root` of a file system, called `url`; an `InputError` if it cannot be reached."""

    fs: AbstractFileSystem
    root: str
    url: str
    classes: frozenset[str]  # names of folders

    def deliveries(self) -> list[Delivery]:
        """All that lies there as a batch, by name."""
        with _said(self.url):
            return sorted(self._deliveries(), key=lambda delivery: delivery.name)

    def age(self, delivery: Delivery) -> float:
        """Seconds since its newest file was modified; infinite where that is not known."""
        with suppress(Exception):  # not every file system can tell, and each fails in its own way
            newest: datetime = max(self.fs.modified(file.path) for file in delivery.files.values())
            # A clock that is ahead of ours makes an age negative; far ahead, it tells nothing.
            return abs((datetime.now(UTC) - newest).total_seconds())
        return float("inf")

    def read(self, delivery: Delivery) -> dict[str, bytes]:
        """The bytes of its files by path inside the batch; where they cannot be read, it waits."""
        paths = [file.path for file in delivery.files.values()]
        most = [file.bytes or MAX_BYTES for file in delivery.files.values()]
        try:
            with ThreadPoolExecutor(READERS) as readers:
                contents = readers.map(partial(read, self.fs), paths, most)
                return dict(zip(delivery.files, contents, strict=True))
        except Exception as error:  # each file system has errors of its own
            raise UnfinishedError(f"it cannot be read ({error})") from error

    def quarantine(self, delivery: Delivery, reason: str) -> None:
        """Move a delivery to `quarantine/<name>`, or `<name>-2` and so on, after its `.reason.txt`.

        What cannot be written is an `OSError`, or whatever else the file system raises.
        """
        folder, sentence = f"{self.root}/{QUARANTINE}", f"{delivery.name} was not used: {reason}."
        suffix = PurePosixPath(delivery.name).suffix if delivery.is_npz else ""
        stem = f"{folder}/{delivery.name.removesuffix(suffix)}"
        names = (stem + more + suffix for more in chain([""], (f"-{n}" for n in count(2))))
        target = next(name for name in names if _is_free(self.fs, name, sentence))
        text = f"{sentence}\n{ADVICE}\nJudged on {datetime.now(UTC):%Y-%m-%d at %H:%M:%S} UTC.\n"
        self.fs.makedirs(folder, exist_ok=True)
        self.fs.pipe_file(f"{target}{REASON}", text.encode())
        for entry in delivery.entries:
            name = PurePosixPath(entry).name
            _move(self.fs, entry, f"{target}/{name}" if name in self.classes else target)

    def _deliveries(self) -> Iterator[Delivery]:
        self.fs.invalidate_cache()
        found = [_entry(info) for info in self.fs.ls(self.root, detail=True)]
        folders = [entry for entry in found if entry.is_folder]
        for file in (one for one in found if not one.is_folder and _is_npz(one.name)):
            name, flaw = printable(file.name), file.flaw and _told("", file)
            obstacle = BEING_WRITTEN if _is_unfinished(name) else ""
            yield Delivery(name, {name: file}, (file.path,), obstacle, flaw)
        loose = [folder for folder in folders if folder.name in self.classes]
        yield from self._pictures(LOOSE, self.root, loose)
        for folder in folders:
            if folder.name not in self.classes | {QUARANTINE}:
                yield from self._pictures(printable(folder.name), folder.path, [folder])

    def _pictures(self, name: str, base: str, folders: Sequence[Entry]) -> Iterator[Delivery]:
        parts = tuple(folder.path for folder in folders)
        try:
            found = [entry for folder in folders for entry in _entries_below(self.fs, folder)]
        except Exception as error:  # each file system has errors of its own
            yield Delivery(name, {}, parts, f"it cannot be read ({in_one_line(error)})", "")
            return
        # a folder is there only if it is not read
        is_data = (is_picture, is_list, idx_name)
        kept = [one for one in found if one.is_folder or any(is_it(one.name) for is_it in is_data)]
        inside = dict(sorted((entry.path[len(base) :].lstrip("/"), entry) for entry in kept))
        files = {path: entry for path, entry in inside.items() if not entry.flaw}
        flaw = next((_told(path, entry) for path, entry in inside.items() if entry.flaw), "")
        unfinished = [one for one in found if one.path.lower().endswith(UNFINISHED_SUFFIXES)]
        obstacle = BEING_WRITTEN if unfinished or _is_unfinished(name) else ""
        if any(self._is_of_a_batch(path, entry) for path, entry in inside.items()):
            yield Delivery(name, files, parts, obstacle, flaw)

    def _is_of_a_batch(self, path: str, entry: Entry) -> bool:
        """Whether it is in a class folder, or hides what is: a batch that is a link, or depth."""
        is_hiding = not path or path in self.classes or entry.flaw == TOO_DEEP
        return is_hiding or is_of_a_batch(path, self.classes)


def open_inbox(url: str, classes: Iterable[ClassName] = ()) -> Inbox:
    """The inbox at a path or fsspec URL, with its classes' folders; InputError if out of reach."""
    with _said(url):
        fs, root = url_to_fs(url)
        if not fs.isdir(root):
            fs.info(root)  # raises what is wrong, if it is no file
            raise NotADirectoryError(root)
    return Inbox(fs, root.rstrip("/") or root, url, frozenset(map(str, classes)))


@contextmanager
def _said(url: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"the inbox {url} does not exist; make the folder") from error
    except NotADirectoryError as error:
        raise InputError(f"the inbox {url} is a file where a folder is right") from error
    except Exception as error:
        raise InputError(
            f"the inbox {url} cannot be read ({in_one_line(error)}); give a folder or URL that "
            "can, and the credentials that it needs"
        ) from error


def _entries_below(fs: AbstractFileSystem, folder: Entry, left: int = MAX_DEPTH) -> Iterator[Entry]:
    if folder.flaw:
        yield folder
    elif not isinstance(fs, LocalFileSystem):
        yield from map(_entry, fs.find(folder.path, detail=True).values())
    elif not left:  # of the depth
        yield replace(folder, flaw=TOO_DEEP)
    else:  # not fs.find, which passes over a folder inside that cannot be read
        for entry in map(_entry, fs.ls(folder.path, detail=True)):
            yield from _entries_below(fs, entry, left - 1) if entry.is_folder else [entry]


def _entry(info: dict[str, Any]) -> Entry:
    path, kind, is_link = info["name"], info["type"], info.get("islink", False)
    flaw = "is a pipe, a device or a socket" if kind == "other" else ""
    # Path.is_dir fails on some names
    is_folder = kind == "directory" or (is_link and os.path.isdir(path))  # noqa: PTH112
    return Entry(path, info.get("size") or 0, is_folder, "is a link" if is_link else flaw)


def read(fs: AbstractFileSystem, path: str, most: int) -> bytes:
    """The bytes of a file; more than `most`, of which never many are read, are an `OSError`."""
    if isinstance(fs, LocalFileSystem):
        content = read_file(Path(path), follow_link=False, most=most)
    else:
        # not fs.cat, which takes [ and * in a name for a pattern
        with fs.open(path, "rb") as file:
            content = file.read(most + 1)
    if len(content) > most:
        raise OSError(f"{path} has more than the {most} bytes that were expected")
    return content


def digest(delivery: Delivery, contents: dict[str, bytes]) -> str:
    """Hex SHA-256: of a .npz its bytes, of a folder its relative paths and their bytes."""
    if delivery.is_npz:
        return hashlib.sha256(contents[delivery.name]).hexdigest()
    whole = hashlib.sha256()
    for path, content in contents.items():
        head = f"{path}\0{len(content)}\0"
        whole.update(head.encode("utf-8", "surrogateescape") + content)
    return whole.hexdigest()


def _told(path: str, entry: Entry) -> str:
    right = "class folders with files are" if entry.is_folder else "a regular file is"
    return f"{path[:80] or 'it'} {entry.flaw} where {right} right"


def _is_npz(name: str) -> bool:
    """Also while it has another name: `.monday.npz.x1` of rsync, `monday.npz.part`."""
    is_hidden = name.startswith(UNFINISHED_PREFIXES) and ".npz" in name.lower()
    return name.lower().endswith((".npz", *UNFINISHED_SUFFIXES)) or is_hidden


def _is_unfinished(name: str) -> bool:
    return name.startswith(UNFINISHED_PREFIXES) or name.lower().endswith(UNFINISHED_SUFFIXES)


def _is_free(fs: AbstractFileSystem, target: str, sentence: str) -> bool:
    if fs.lexists(target):
        return False
    if not fs.lexists(f"{target}{REASON}"):
        return True
    # A run that was killed before it moved the batch has written it, perhaps in part.
    earlier = read(fs, f"{target}{REASON}", MAX_REASON_BYTES).partition(b"\n")[0]
    return sentence.encode().startswith(earlier)


def _move(fs: AbstractFileSystem, source: str, target: str) -> None:
    if isinstance(fs, LocalFileSystem):
        fs.makedirs(fs._parent(target), exist_ok=True)
        fs.mv(source, target)
        return
    # Not fs.mv, which takes [ and * in a name for a pattern where it is not a rename.
    moves = {path: f"{target}{path[len(source) :]}" for path in fs.find(source)}
    for path, copy in moves.items():
        fs.makedirs(fs._parent(copy), exist_ok=True)
        fs.cp_file(path, copy)
    for path in moves:
        fs.rm_file(path)
