"""The inbox: what lies in a folder, local or remote, as batches."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs

from tasks.arrivals.decode import LABELS
from tasks.errors import InputError, in_one_line

QUARANTINE = "quarantine"
LOOSE = "loose-pngs"
UNFINISHED_PREFIXES = (".", "_")
UNFINISHED_SUFFIXES = (".part", ".tmp", ".crdownload")
READERS = 16  # files of a remote batch that are read at a time


@dataclass(frozen=True)
class Delivery:
    """What lies in the inbox as one batch.

    Attributes:
        name: the file or folder, or `LOOSE` for the label folders of the inbox itself.
        files: from the path inside the batch, as in `3/a.png`, to the path of the file system;
            sorted.
        bytes: size of all files.
        entries: the entries of the inbox that make it up, as paths of the file system.
        is_named_unfinished: whether its name, or one in it, says that it is being written.
    """

    name: str
    files: dict[str, str]
    bytes: int
    entries: tuple[str, ...]
    is_named_unfinished: bool

    @property
    def is_npz(self) -> bool:
        """Whether it is one .npz file, else PNG files."""
        return list(self.files) == [self.name]


@dataclass(frozen=True)
class Inbox:
    """A folder `root` of a file system, called `url` by whoever gave it."""

    fs: AbstractFileSystem
    root: str
    url: str

    def deliveries(self) -> list[Delivery]:
        """All that lies there as a batch, by name.

        Raises:
            InputError: The folder does not exist or cannot be reached.
        """
        try:
            return sorted(self._deliveries(), key=lambda delivery: delivery.name)
        except InputError:
            raise
        except FileNotFoundError as error:
            raise InputError(f"the inbox {self.url} does not exist; make the folder") from error
        except Exception as error:  # each file system has errors of its own
            raise _unreachable(self.url, error) from error

    def age(self, delivery: Delivery) -> float:
        """Seconds since its newest file was modified; infinite where that is not known."""
        try:
            newest = max(self.fs.modified(path) for path in delivery.files.values())
            # A clock that is ahead of ours makes an age negative; far ahead, it tells nothing.
            age: float = abs((datetime.now(UTC) - newest).total_seconds())
        except Exception:  # not every file system can tell, and each fails in its own way
            return float("inf")
        return age

    def read(self, delivery: Delivery) -> dict[str, bytes]:
        """The bytes of its files by path inside the batch.

        Raises:
            OSError: A file cannot be read; other errors too, as file systems differ.
        """
        with ThreadPoolExecutor(READERS) as readers:
            # one by one, as fs.cat takes [ and * in a name for a pattern
            contents = readers.map(self.fs.cat_file, delivery.files.values())
            return dict(zip(delivery.files, contents, strict=True))

    def _deliveries(self) -> Iterator[Delivery]:
        self.fs.invalidate_cache()
        entries = self.fs.ls(self.root, detail=True)
        if [entry["name"] for entry in entries if entry["type"] == "file"] == [self.root]:
            raise InputError(f"the inbox {self.url} is a file where a folder is right")
        folders = [entry for entry in entries if entry["type"] == "directory"]
        for entry in entries:
            if entry["type"] != "directory" and _is_npz(_name(entry["name"])):
                yield _npz(entry)
        loose = [entry["name"] for entry in folders if _name(entry["name"]) in LABELS]
        others = [entry["name"] for entry in folders if _name(entry["name"]) not in LABELS]
        found = [self._pngs(LOOSE, self.root, loose)] + [
            self._pngs(_name(folder), folder, [folder])
            for folder in others
            if _name(folder) != QUARANTINE
        ]
        yield from (delivery for delivery in found if _has_labelled(delivery))

    def _pngs(self, name: str, base: str, folders: list[str]) -> Delivery:
        """The PNG files in folders, by path relative to `base`."""
        infos: dict[str, Any] = {}
        for folder in folders:
            infos |= self.fs.find(folder, detail=True)
        pngs = {path: info for path, info in infos.items() if _is_png(_name(path))}
        return Delivery(
            name=name,
            files=dict(sorted((path[len(base) :].lstrip("/"), path) for path in pngs)),
            bytes=sum(info.get("size") or 0 for info in pngs.values()),
            entries=tuple(folders),
            is_named_unfinished=_is_unfinished(name)
            or any(path.lower().endswith(UNFINISHED_SUFFIXES) for path in infos),
        )


def open_inbox(url: str) -> Inbox:
    """The inbox at a path or an fsspec URL.

    Raises:
        InputError: Its file system is not known, not installed or cannot be reached.
    """
    try:
        fs, root = url_to_fs(url)
    except Exception as error:  # each file system has errors of its own
        raise _unreachable(url, error) from error
    return Inbox(fs, root.rstrip("/") or root, url)


def digest(delivery: Delivery, contents: dict[str, bytes]) -> str:
    """Hex SHA-256: of a .npz its bytes, of a folder its relative paths and their bytes."""
    if delivery.is_npz:
        return hashlib.sha256(contents[delivery.name]).hexdigest()
    whole = hashlib.sha256()
    for path, content in contents.items():
        whole.update(f"{path}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


def _npz(entry: dict[str, Any]) -> Delivery:
    path = entry["name"]
    name = _name(path)
    files = {name: path}
    return Delivery(name, files, entry.get("size") or 0, (path,), _is_unfinished(name))


def _is_npz(name: str) -> bool:
    """Also while it has another name: `.monday.npz.x1` of rsync, `monday.npz.part`."""
    is_download = name.lower().endswith(UNFINISHED_SUFFIXES)
    is_hidden = name.startswith(UNFINISHED_PREFIXES) and ".npz" in name.lower()
    return name.lower().endswith(".npz") or is_download or is_hidden


def _is_png(name: str) -> bool:
    """Not `._a.png`, which macOS adds, nor `.a.png.x1` of rsync."""
    return name.lower().endswith(".png") and not name.startswith(UNFINISHED_PREFIXES)


def _is_unfinished(name: str) -> bool:
    return name.startswith(UNFINISHED_PREFIXES) or name.lower().endswith(UNFINISHED_SUFFIXES)


def _has_labelled(delivery: Delivery) -> bool:
    return any(path.partition("/")[0] in LABELS for path in delivery.files)


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _unreachable(url: str, error: Exception) -> InputError:
    return InputError(
        f"the inbox {url} cannot be read ({in_one_line(error)}); give a folder or URL that can, "
        "and the credentials that it needs"
    )
