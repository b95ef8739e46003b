"""A full disk, in words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path

from tasks.errors import FullDiskError, ReadableError

FULL = {ENOSPC: "", EDQUOT: " (the quota is used up)", EFBIG: " (files may not be larger)"}
OF_SQLITE = {sqlite3.SQLITE_FULL: ENOSPC, sqlite3.SQLITE_IOERR_WRITE: EFBIG}


@contextmanager
def space_for(target: Path) -> Iterator[None]:
    """Around whatever writes: where there is no space left, one sentence says so.

    Args:
        target: The file, as a person knows it; it need not exist.

    Raises:
        FullDiskError: The disk, a quota, or the limit of a file's size left no space.
    """
    try:
        yield
    except ReadableError:  # of a disk elsewhere, if of any
        raise
    except Exception as error:
        code = why_full(error)
        if code is None:
            raise
        sentence = f"no space left on {_disk(target)} for {target}{FULL[code]}"
        raise FullDiskError(sentence) from error


def why_full(error: BaseException | None) -> int | None:
    """The key of `FULL` that an error has, or one that it came from; None if it has none."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return error.errno
        if isinstance(error, sqlite3.Error) and error.sqlite_errorcode in OF_SQLITE:
            return OF_SQLITE[error.sqlite_errorcode]
        error = error.__cause__ or error.__context__
    return None


def _disk(path: Path) -> Path:
    """Where the disk of a path is mounted."""
    path = path.resolve()
    return next(folder for folder in (path, *path.parents) if folder.is_mount())
