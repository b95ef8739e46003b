"""The artifacts folder: whole files under digests, written once, checked before use."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from tasks.storage.references import ArrayReference, FileReference

_digests: dict[tuple[int, int, int, int], str] = {}


class DamagedError(Exception):
    """A stored file is missing or is not what was stored; its producer must run again."""


@dataclass(frozen=True)
class Store:
    """Files below `root`, addressed by relative path and digest, so that `root` may move."""

    root: Path

    @classmethod
    def at(cls, address: str) -> "Store":
        return cls(Path(address))

    @property
    def address(self) -> str:
        return str(self.root.resolve())

    def add(self, name: str, write: Callable[[Path], object]) -> FileReference:
        """Store what `write` puts into the path it is given, under `name` and a digest.

        Args:
            name: Relative path, as in `arrays/train-images.npy`; the digest goes before the suffix.
            write: Called with a temporary path that has the suffix of `name`.

        Returns:
            A reference to the finished file. A killed run leaves no part of it.
        """
        with self.temporary(Path(name).suffix) as temporary:
            write(temporary)
            sha256 = file_sha256(temporary)
            target = self.root / name
            target = target.with_name(f"{target.stem}-{sha256[:16]}{target.suffix}")
            replace(temporary, target)
        return FileReference(path=target.relative_to(self.root).as_posix(), sha256=sha256)

    def add_array(self, name: str, array: NDArray[Any]) -> ArrayReference:
        """Store an array of any shape and numeric dtype under `arrays/name`."""
        file = self.add(f"arrays/{name}.npy", lambda path: np.save(path, array, allow_pickle=False))
        return ArrayReference(
            path=file.path, sha256=file.sha256, shape=array.shape, dtype=str(array.dtype)
        )

    def add_text(self, name: str, text: str) -> FileReference:
        """Store a text, as UTF-8."""
        return self.add(name, lambda path: path.write_text(text, encoding="utf-8"))

    def array(self, reference: ArrayReference) -> NDArray[Any]:
        """The array, memory-mapped and read-only, in the shape of its reference."""
        stored = np.load(self.verified(reference), mmap_mode="r", allow_pickle=False)
        return np.asarray(stored).reshape(reference.shape)

    def verified(self, reference: FileReference) -> Path:
        """The path of a stored file, after its digest was checked.

        Raises:
            DamagedError: The file is missing or its bytes are not the stored ones.
        """
        path = self.root / reference.path
        if not path.is_file() or file_sha256(path) != reference.sha256:
            raise DamagedError(f"{path} is missing or is not what was stored")
        return path

    @contextmanager
    def temporary(self, suffix: str = "") -> Iterator[Path]:
        """A path to write to, on the same file system as the store; gone afterwards."""
        folder = self.root / "tmp"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{uuid4().hex}{suffix}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def replace(temporary: Path, target: Path) -> None:
    """Flush a finished temporary file to the disk, then rename it onto `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(target)


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file; computed once a process for a file that stays as it is."""
    stat = path.stat()
    key = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[key]
