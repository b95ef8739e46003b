"""Whole files: written under a temporary name, flushed, then renamed; a disk's faults in words."""

import hashlib
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, EIO, ENOSPC
from io import BufferedReader
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, getrlimit
from typing import IO
from uuid import uuid4

from tasks.errors import DiskError, InputError, ReadableError

FULL = {ENOSPC: "", EDQUOT: " (the quota is used up)", EFBIG: " (files may not be larger)"}
_digests: dict[tuple[int, int, int, int], str] = {}


@contextmanager
def disk_of(target: Path) -> Iterator[None]:
    """That the disk has no space for `target`, or fails at it, is a `DiskError`."""
    try:
        yield
    except ReadableError:  # of a disk elsewhere, if of any
        raise
    except Exception as error:
        code = disk_fault(error)
        if code is None:
            raise
        path = target.resolve()
        disk = next(folder for folder in (path, *path.parents) if folder.is_mount())
        if code == EIO:
            raise DiskError(f"{disk} fails at {target} (input/output error)") from error
        raise DiskError(f"no space left on {disk} for {target}{FULL[code]}") from error


def disk_fault(error: BaseException | None) -> int | None:
    """`EIO` or the key of `FULL` that an error, or one that it came from, has; None if none has."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (*FULL, EIO):
            return error.errno
        if isinstance(error, sqlite3.Error) and (code := _of_sqlite(error)):
            return code
        error = error.__cause__ or error.__context__
    return None


def _of_sqlite(error: sqlite3.Error) -> int | None:
    code = getattr(error, "sqlite_errorcode", 0)  # none of an error of Python's own
    if code == sqlite3.SQLITE_IOERR_WRITE and getrlimit(RLIMIT_FSIZE)[0] != RLIM_INFINITY:
        return EFBIG
    return {sqlite3.SQLITE_FULL: ENOSPC, sqlite3.SQLITE_IOERR: EIO}.get(code & 0xFF)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name once whole; DiskError if no space, OSError if unwritable."""
    with temporary_path(path, path.parent) as temporary:
        with temporary.open("xb") as file:
            yield file
        replace(temporary, path)


@contextmanager
def temporary_path(target: Path, folder: Path) -> Iterator[Path]:
    """A path in `folder`, on the same file system, to write what becomes `target` to.

    It may become a file or a folder, has the suffix of `target`, and is gone afterwards. Raises
    DiskError if there is no space for it, OSError if the folder cannot be made.
    """
    path = folder / f".{uuid4().hex}{target.suffix}"
    with disk_of(target):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)  # if it is a folder
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


def open_regular(path: Path, follow_link: bool = True) -> BufferedReader:
    """Open a file to read, without waiting: InputError unless regular, OSError if it fails."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_link else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    # what is open is asked, as a path may name another file by now
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{path} is not a regular file; a pipe or a device is never read")
    return os.fdopen(descriptor, "rb")


def read_file(path: Path, follow_link: bool, most: int) -> bytes:
    """The bytes of a regular file, at most `most` + 1; errors as of `open_regular`, or OSError."""
    with open_regular(path, follow_link) as file:
        # room is made for what is asked for, which is more than most files have
        return file.read(min(os.fstat(file.fileno()).st_size, most) + 1)


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file; computed once a process for a file that stays as it is."""
    found = path.stat()
    key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
    if key not in _digests:
        with disk_of(path), path.open("rb") as file:
            _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[key]


def is_intact(path: Path, sha256: str) -> bool:
    """Whether there is a file with this digest."""
    # Path.is_file fails on some names
    return os.path.isfile(path) and file_sha256(path) == sha256  # noqa: PTH113
