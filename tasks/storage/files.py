"""Files on disk: written atomically, checked by digest, and a full disk in words."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, ENOSPC
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import FullDiskError, ReadableError
from tasks.storage.store import DamagedError, Store

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


NOTES = "notes"


def write_checksummed(store: Store, name: str, content: bytes) -> None:
    """Write `content` behind its digest, atomically; `name` is a relative path."""
    store.write(name, _digest(content) + b"\n" + content)


def read_checksummed(store: Store, name: str) -> bytes:
    """The content of a checksummed file.

    Raises:
        OSError: There is no such file.
        DamagedError: The content is not what was written.
        RemoteError: The store's remote cannot be reached.
    """
    digest, _, content = store.read(name).partition(b"\n")
    if _digest(content) != digest:
        raise DamagedError(f"{store.place(name)} is not what was stored")
    return content


def write_arrays(store: Store, name: str, arrays: Sequence[NDArray[Any]], notes: str) -> None:
    """Write arrays of any shape and numeric dtype with a text as one checksummed file."""
    buffer = BytesIO()
    numbered = {str(number): array for number, array in enumerate(arrays)}
    np.savez(buffer, allow_pickle=False, **numbered, **{NOTES: np.array(notes)})
    write_checksummed(store, name, buffer.getvalue())


def read_arrays(store: Store, name: str) -> tuple[list[NDArray[Any]], str]:
    """Arrays, in their order, and text as `write_arrays` wrote them.

    Raises:
        OSError: There is no such file.
        DamagedError: The content is not what was written.
        RemoteError: The store's remote cannot be reached.
    """
    with np.load(BytesIO(read_checksummed(store, name)), allow_pickle=False) as saved:
        return [saved[key] for key in saved.files if key != NOTES], str(saved[NOTES])


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
