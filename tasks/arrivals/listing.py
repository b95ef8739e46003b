"""What lies in a folder, local or remote; only regular files and folders are ever read.

What cannot be read is an `OSError`, or whatever else its file system raises.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from tasks.data.files import read_regular

MAX_DEPTH = 100  # a batch has label folders, and those have files
TOO_DEEP = f"lies more than {MAX_DEPTH} folders deep"


@dataclass(frozen=True)
class Entry:
    """A file, a folder (or a link to one), or what is neither, by its path in the file system.

    `bytes` is the size of a file, 0 also where that is not known; `flaw` says in words why it is
    not read, and is empty for what is.
    """

    path: str
    bytes: int
    is_folder: bool
    flaw: str = ""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rstrip("/").rpartition("/")[2]


def entries(fs: AbstractFileSystem, folder: str) -> list[Entry]:
    """What lies directly in a folder; of one that is a file, the file itself."""
    return [_entry(info) for info in fs.ls(folder, detail=True)]


def entries_below(fs: AbstractFileSystem, folder: Entry) -> Iterator[Entry]:
    """The files of a folder and of the folders in it, and folders that are not read."""
    if folder.flaw:
        yield folder
    elif isinstance(fs, LocalFileSystem):
        yield from _local_entries_below(fs, folder)
    else:
        yield from map(_entry, fs.find(folder.path, detail=True).values())


def read(fs: AbstractFileSystem, path: str, most: int) -> bytes:
    """The bytes of a file; more than `most`, of which never many are read, are an `OSError`."""
    if isinstance(fs, LocalFileSystem):
        content = read_regular(Path(path), follow_link=False, most=most)
    else:
        # not fs.cat, which takes [ and * in a name for a pattern
        with fs.open(path, "rb") as file:
            content = file.read(most + 1)
    if len(content) > most:
        raise OSError(f"{path} has more than the {most} bytes that were expected")
    return content


def _local_entries_below(fs: LocalFileSystem, folder: Entry) -> Iterator[Entry]:
    waiting, deepest = [folder], folder.path.count("/") + MAX_DEPTH
    while waiting:
        for entry in entries(fs, waiting.pop().path):
            if not entry.is_folder or entry.flaw:
                yield entry
            elif entry.path.count("/") < deepest:
                waiting.append(entry)
            else:
                yield replace(entry, flaw=TOO_DEEP)


def _entry(info: dict[str, Any]) -> Entry:
    path, kind, is_link = info["name"], info["type"], info.get("islink", False)
    flaw = "is a pipe, a device or a socket" if kind == "other" else ""
    # Path.is_dir fails on some names
    is_folder = kind == "directory" or (is_link and os.path.isdir(path))  # noqa: PTH112
    return Entry(path, info.get("size") or 0, is_folder, "is a link" if is_link else flaw)
