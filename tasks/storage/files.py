"""Whole files: written under a temporary name, flushed, then renamed; checked by their digest."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

from tasks.storage.space import space_for

_digests: dict[tuple[int, int, int, int], str] = {}


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes its name when all is written; else nothing is left of it.

    Raises:
        FullDiskError: There is no space for it.
        OSError: The folder cannot be made or written.
    """
    with temporary_path(path, path.parent) as temporary:
        with temporary.open("xb") as file:
            yield file
        replace(temporary, path)


@contextmanager
def temporary_path(target: Path, folder: Path) -> Iterator[Path]:
    """A path to write what becomes `target` to, a file or a folder; gone afterwards.

    Args:
        target: Where it will lie; the temporary path has its suffix.
        folder: Where it lies until then, on the same file system; it is made.

    Raises:
        FullDiskError: There is no space for it.
        OSError: The folder cannot be made.
    """
    path = folder / f".{uuid4().hex}{target.suffix}"
    with space_for(target):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            yield path
        finally:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)


def replace(temporary: Path, target: Path) -> None:
    """Flush a finished file or folder to the disk, then rename it onto `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    flush(temporary)
    temporary.replace(target)


def flush(finished: Path) -> None:
    """Have the disk keep a file, or all files of a folder, before it gets its name."""
    for path in (finished, *finished.rglob("*")):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file; computed once a process for a file that stays as it is."""
    stat = path.stat()
    key = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[key]


def is_intact(path: Path, sha256: str) -> bool:
    """Whether there is a file with this digest."""
    return path.is_file() and file_sha256(path) == sha256
