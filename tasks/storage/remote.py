"""Storage elsewhere: S3, and whatever else fsspec serves."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fsspec import AbstractFileSystem
from fsspec.asyn import AsyncFileSystem
from fsspec.core import url_to_fs

from tasks.errors import RemoteError, in_one_line
from tasks.storage.files import why_full

READ, WRITE = "read", "written to"

_complete: set[tuple[str, str]] = set()


def is_remote(address: str) -> bool:
    """Whether it is a URL, and not one of this machine's own file system."""
    return "://" in address and not address.startswith(("file://", "local://"))


@dataclass(frozen=True)
class Remote:
    """Files at an fsspec URL, as in s3://bucket/prefix, by their path below it.

    Credentials, endpoint and other options come from where the file system looks for them itself:
    for S3 from botocore's environment variables and configuration files. Whatever goes wrong is a
    `RemoteError`, but for a missing file that is to be read, which is a `FileNotFoundError`.
    """

    address: str

    def write(self, name: str, content: BinaryIO) -> None:
        """Replace a file atomically: until all of `content` is there, nothing of it is visible.

        A killed process may leave parts of an upload, which nobody sees, and which S3 removes where
        the bucket has a rule for them.
        """
        with self._opened(WRITE) as (fs, root):
            path = f"{root}/{name}"
            if not isinstance(fs, AsyncFileSystem):
                # Object stores need no folders, and s3fs would make a missing bucket.
                fs.makedirs(fs._parent(path), exist_ok=True)
            _write(fs, path, content)

    def upload(self, name: str, file: Path) -> None:
        """Store a copy of a local file."""
        with file.open("rb") as content:
            self.write(name, content)
        _complete.add((self.address, name))

    def complete(self, name: str, file: Path) -> None:
        """Once a process, upload a local file again if its copy is not there in full length."""
        if (self.address, name) not in _complete:
            size = None
            with suppress(FileNotFoundError), self._opened(READ) as (fs, root):
                fs.invalidate_cache()
                size = fs.info(f"{root}/{name}")["size"]
            if size != file.stat().st_size:
                self.upload(name, file)
            _complete.add((self.address, name))

    def read(self, name: str) -> bytes:
        """All bytes of a file."""
        with self._opened(READ) as (fs, root):
            content: bytes = fs.cat_file(f"{root}/{name}")
        return content

    def download(self, name: str, target: Path) -> None:
        """Copy a file to a local path."""
        with self._opened(READ) as (fs, root):
            fs.get_file(f"{root}/{name}", str(target))

    def names(self, folder: str) -> list[str]:
        """The files in a folder, oldest first; none if there is no such folder."""
        with suppress(FileNotFoundError), self._opened(READ) as (fs, root):
            fs.invalidate_cache()
            entries = fs.ls(f"{root}/{folder}", detail=True)
            paths = [entry["name"] for entry in entries if entry["type"] == "file"]
            paths.sort(key=fs.modified)
            return [f"{folder}/{path.rpartition('/')[2]}" for path in paths]
        return []

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with self._opened(WRITE) as (fs, root), suppress(FileNotFoundError):
            fs.rm_file(f"{root}/{name}")

    @contextmanager
    def _opened(self, use: str) -> Iterator[tuple[AbstractFileSystem, str]]:
        try:
            fs, root = url_to_fs(self.address)
            yield fs, root.rstrip("/")
        except Exception as error:  # each file system has errors of its own
            # while reading, a file may be missing, and this machine's disk full
            if use == READ and (isinstance(error, FileNotFoundError) or why_full(error)):
                raise
            raise RemoteError(f"{self.address} cannot be {use} ({in_one_line(error)})") from error


def _write(fs: AbstractFileSystem, path: str, content: BinaryIO) -> None:
    file = fs.open(path, "wb", autocommit=False)
    fs.transaction.files.remove(file)  # which would keep it for ever; this is a transaction of one
    try:
        with file:
            shutil.copyfileobj(content, file)
        file.commit()
    except BaseException:
        file.discard()
        raise
