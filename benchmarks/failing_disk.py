"""A disk that fails once below a folder: at the n-th write, flush, rename, read or commit.

What Python opens has raw files of ours beneath it, and what SQLite opens connections of ours; a
memory-mapped page, which ends a process where it cannot be read, is out of their reach.
"""

import builtins
import io
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from errno import ENOSPC
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

OPERATIONS = ("write", "flush", "rename", "read", "commit")
NO_KIND = str.maketrans("", "", "bt")  # whether bytes or text
OF_SQLITE = {ENOSPC: sqlite3.SQLITE_FULL}  # by the system's code; else an error of the disk


@dataclass(frozen=True)
class Fault:
    """The `number`-th operation of a kind, from 1, fails with a code of the system."""

    operation: str
    number: int
    code: int


@dataclass
class FailingDisk:
    """How often this process does what below `root`, and the fault that it meets."""

    root: Path
    fault: Fault | None = None
    done: Counter[str] = field(default_factory=Counter)
    _lock: Any = field(default_factory=Lock)

    def meet(self, operation: str, path: str | bytes | os.PathLike[Any]) -> None:
        """Count an operation, if it is on a file below the root.

        Raises:
            OSError: It is the one that fails; of a commit `sqlite3.OperationalError`.
        """
        place = Path(os.path.realpath(os.fsdecode(path)))
        if not place.is_relative_to(os.path.realpath(self.root)):
            return
        with self._lock:
            self.done[operation] += 1
            number = self.done[operation]
        if self.fault and (operation, number) == (self.fault.operation, self.fault.number):
            raise _error(self.fault)

    @property
    def has_failed(self) -> bool:
        """Whether it came to the fault."""
        return self.fault is not None and self.done[self.fault.operation] >= self.fault.number


@contextmanager
def failing(disk: FailingDisk) -> Iterator[None]:
    """Within, what this process does below the disk's root is counted, and fails once."""
    opened = partial(_open, disk)
    replaced: dict[tuple[Any, str], Any] = {(io, "open"): opened, (builtins, "open"): opened}
    replaced[shutil, "_USE_CP_SENDFILE"] = False  # the system would copy past us
    for name in ("replace", "rename", "link"):
        replaced[os, name] = partial(_rename, disk, getattr(os, name))
    replaced[os, "fsync"] = partial(_flush, disk, os.fsync)
    for module in (sqlite3, sqlite3.dbapi2):
        replaced[module, "connect"] = partial(_connect, disk, sqlite3.connect)
    with ExitStack() as stack:
        for (module, name), function in replaced.items():
            stack.enter_context(patch.object(module, name, function))
        yield


def _error(fault: Fault) -> Exception:
    text = os.strerror(fault.code)
    if fault.operation != "commit":
        return OSError(fault.code, text)
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = OF_SQLITE.get(fault.code, sqlite3.SQLITE_IOERR_FSYNC)
    return error


class _Raw(io.FileIO):
    """A file that tells its disk what is done to it."""

    def __init__(self, disk: FailingDisk, path: Any, *given: Any) -> None:
        self._disk, self._path = disk, path
        super().__init__(*given)

    def write(self, data: Any) -> int:
        self._disk.meet("write", self._path)
        return super().write(data)

    def readinto(self, buffer: Any) -> int:
        self._disk.meet("read", self._path)
        return super().readinto(buffer)

    def readall(self) -> bytes:
        self._disk.meet("read", self._path)
        return super().readall()


def _open(
    disk: FailingDisk,
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Any = None,
) -> Any:
    path = Path(f"/proc/self/fd/{file}").readlink() if isinstance(file, int) else file
    raw = _Raw(disk, path, file, mode.translate(NO_KIND), closefd, opener)
    if buffering == 0:
        return raw
    is_written = any(letter in mode for letter in "wxa")
    kind = io.BufferedWriter if is_written else io.BufferedReader
    buffer: Any = (io.BufferedRandom if "+" in mode else kind)(raw)
    return buffer if "b" in mode else io.TextIOWrapper(buffer, encoding, errors, newline)


def _rename(disk: FailingDisk, plain: Callable[..., Any], source: Any, to: Any, **how: Any) -> None:
    disk.meet("rename", to)
    plain(source, to, **how)


def _flush(disk: FailingDisk, plain: Callable[[int], None], file: int) -> None:
    disk.meet("flush", Path(f"/proc/self/fd/{file}").readlink())
    plain(file)


def _connect(disk: FailingDisk, plain: Callable[..., Any], database: str, **how: Any) -> Any:
    class Connection(sqlite3.Connection):
        """One that tells the disk when it commits."""

        def commit(self) -> None:
            disk.meet("commit", database.removeprefix("file://").partition("?")[0])
            super().commit()

    return plain(database, **how | {"factory": Connection})
