"""Storage elsewhere: S3, and whatever else fsspec serves, with the credentials that it finds."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from fsspec import AbstractFileSystem
from fsspec.asyn import AsyncFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from tasks.errors import RemoteError, in_one_line
from tasks.storage.files import disk_fault

READ, WRITE = "read", "written to"
_complete: set[tuple[str, str]] = set()


def is_remote(address: str) -> bool:
    """Whether it is a URL, and not one of this machine's own file system."""
    return "://" in address and not address.startswith(("file://", "local://"))


@contextmanager
def opened(address: str, use: str) -> Iterator[tuple[AbstractFileSystem, str]]:
    """The file system of a folder or of a URL, as in s3://bucket/prefix, and the path in it.

    To `READ` or `WRITE`; errors at a URL are `RemoteError`, but FileNotFoundError of what is read.
    """
    elsewhere = is_remote(address)
    try:
        fs, root = url_to_fs(address) if elsewhere else (LocalFileSystem(), address)
        yield fs, root.rstrip("/")
    except Exception as error:  # each file system has errors of its own
        # while reading, a file may be missing, and this machine's disk full
        expected = use == READ and (isinstance(error, FileNotFoundError) or disk_fault(error))
        if expected or not elsewhere:
            raise
        raise RemoteError(f"{address} cannot be {use} ({in_one_line(error)})") from error


def write_whole(url: str, name: str, content: BinaryIO) -> None:
    """Replace a file atomically: until all of `content` is there, nothing of it is visible."""
    # A killed process may leave parts of an upload, which S3 removes where its bucket has a rule.
    with opened(url, WRITE) as (fs, root):
        path = f"{root}/{name}"
        if not isinstance(fs, AsyncFileSystem):
            # Object stores need no folders, and s3fs would make a missing bucket.
            fs.makedirs(fs._parent(path), exist_ok=True)
        file = fs.open(path, "wb", autocommit=False)
        fs.transaction.files.remove(file)  # which would keep it for ever; this is one of its own
        try:
            with file:
                shutil.copyfileobj(content, file)
            file.commit()
        except BaseException:
            file.discard()
            raise


def upload(url: str, name: str, file: Path) -> None:
    """Store a copy of a local file."""
    with file.open("rb") as content:
        write_whole(url, name, content)
    _complete.add((url, name))


def complete(url: str, name: str, file: Path) -> None:
    """Once a process, upload a local file again if its copy is not there in full length."""
    if (url, name) not in _complete:
        size = None
        with suppress(FileNotFoundError), opened(url, READ) as (fs, root):
            fs.invalidate_cache()
            size = fs.info(f"{root}/{name}")["size"]
        if size != file.stat().st_size:
            upload(url, name, file)
        _complete.add((url, name))
