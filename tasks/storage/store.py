"""The artifacts: whole files, written atomically and checked before use."""

import hashlib
import hmac
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from types import SimpleNamespace

import numpy as np
from fsspec.core import url_to_fs
from platformdirs import user_cache_path

from tasks.errors import InputError, ReadableError, RemoteError, in_one_line
from tasks.schemas.references import Array, ArrayReference, FileReference, Rows
from tasks.storage.files import disk_of, file_sha256, is_intact, read_file, replace, temporary_path
from tasks.storage.remote import READ, WRITE, complete, is_remote, opened, upload, write_whole

SECRET = "TRANSFER_KEY"  # the variable with what signs records, notes and checkpoints
NOTES, MOST_BYTES = "notes", 2**30  # of a file that is written by its name


class DamagedError(ReadableError):
    """A stored file is missing or is not what was stored; its producer must run again."""


@dataclass(frozen=True)
class Store:
    """Files by their path below a folder `root`, or below a URL, `remote`, with copies in `root`.

    A file that is added carries its digest in its name and never changes; one that is written has
    only a name, and is replaced as a whole. So the store may move, and several machines use one
    remote. What writes raises `DiskError` without space, and all `RemoteError` out of reach.
    """

    root: Path
    remote: str = ""

    @classmethod
    def at(cls, address: str | Path) -> "Store":
        """The store at a folder or at an fsspec URL, with its copies in the user's cache."""
        text = str(address)
        if is_remote(text):
            name = hashlib.sha256(text.encode()).hexdigest()[:16]
            return cls(user_cache_path("digit-transfer") / name, text)
        return cls(Path(url_to_fs(text)[1] if "://" in text else text))

    @property
    def address(self) -> str:
        """What `at` makes the same store of, wherever on this machine it is called."""
        return self.remote or str(self.root.resolve())

    def place(self, name: str) -> str:
        """Where a file lies, for people."""
        return f"{self.remote or self.root}/{name}"

    def add(self, name: str, write: Callable[[Path], object]) -> FileReference:
        """Store what `write` puts into the temporary path it is given, which has the same suffix.

        The name is a relative path, as in `arrays/train-images.npy`; a digest goes before the
        suffix. A killed run, or a remote that cannot be reached, leaves no part of the file.
        """
        plain = PurePosixPath(name)
        with self.temporary(name) as temporary:
            write(temporary)
            sha256 = file_sha256(temporary)
            path = str(plain.with_name(f"{plain.stem}-{sha256[:16]}{plain.suffix}"))
            if self.remote:
                upload(self.remote, path, temporary)
            replace(temporary, self.root / path)
        return FileReference(path=path, sha256=sha256)

    def add_array(self, name: str, array: Array) -> ArrayReference:
        """Store an array of any shape and numeric dtype under `arrays/name`."""
        file = self.add(f"arrays/{name}.npy", lambda path: _save(path, array))
        return ArrayReference(**dict(file), shape=array.shape, dtype=str(array.dtype))

    def add_text(self, name: str, text: str) -> FileReference:
        """Store a text, as UTF-8."""
        return self.add(name, lambda path: path.write_text(text, encoding="utf-8"))

    def array(self, reference: ArrayReference) -> Array:
        """The array, memory-mapped and read-only, in the shape of its reference."""
        if reference.rest:
            return _joined(self, reference)
        path = self.verified(reference)
        with reading(path):
            stored = np.lib.format.open_memmap(path, mode="r")  # which has no Python objects
            return np.asarray(stored).reshape(reference.shape)

    def rows(self, rows: Rows) -> Array:
        """A copy of some rows of an array."""
        mask = self.array(rows.mask) if rows.mask else np.zeros(rows.array.shape[0], bool)
        return np.asarray(self.array(rows.array)[mask == rows.marked])

    def verified(self, reference: FileReference) -> Path:
        """The local path of a stored file, after its digest was checked.

        What is damaged here is fetched from the remote, what is damaged there is uploaded again.
        Raises DamagedError if it is missing or its bytes are not the stored ones.
        """
        path = self.root / reference.path
        if is_intact(path, reference.sha256):
            if self.remote:
                complete(self.remote, reference.path, path)
            return path
        if self.remote:
            with self.temporary(reference.path) as temporary:
                with suppress(FileNotFoundError), opened(self.remote, READ) as (fs, root):
                    fs.get_file(f"{root}/{reference.path}", str(temporary))
                if is_intact(temporary, reference.sha256):
                    replace(temporary, path)
                    return path
        raise DamagedError(f"{self.place(reference.path)} is missing or is not what was stored")

    def write(self, name: str, content: bytes) -> None:
        """Replace the file `name`, a relative path, atomically; if that cannot be, an `OSError`."""
        if self.remote:
            write_whole(self.remote, name, BytesIO(content))
            return
        with self.temporary(name) as temporary:
            temporary.write_bytes(content)
            replace(temporary, self.root / name)

    def read(self, name: str) -> bytes:
        """The first `MOST_BYTES` of a file that was written; an `OSError` if there is none."""
        path = self.root / name
        with disk_of(path), opened(self.address, READ) as (fs, root):
            if not self.remote:
                return read_file(path, follow_link=True, most=MOST_BYTES)
            content: bytes = fs.cat_file(f"{root}/{name}")
        return content

    def names(self, folder: str) -> list[str]:
        """The files in a folder as relative paths, oldest first; none if there is no folder."""
        with suppress(FileNotFoundError), opened(self.address, READ) as (fs, root):
            fs.invalidate_cache()
            entries = fs.ls(f"{root}/{folder}", detail=True)
            paths = [entry["name"] for entry in entries if entry["type"] == "file"]
            paths.sort(key=fs.modified)
            return [f"{folder}/{path.rpartition('/')[2]}" for path in paths]
        return []

    def remove(self, name: str) -> None:
        """Remove a file that was written, if it is there."""
        with opened(self.address, WRITE) as (fs, root), suppress(FileNotFoundError):
            fs.rm_file(f"{root}/{name}")

    def temporary(self, name: str) -> AbstractContextManager[Path]:
        """A path to write the file or folder `name` to, on the same disk; gone afterwards."""
        return temporary_path(self.root / name, self.root / "tmp")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Around what loads a file: DamagedError if it is not of its kind, DiskError as it says."""
    try:
        with disk_of(path):
            yield
    except ReadableError:
        raise
    except Exception as error:  # NumPy, Keras and onnxruntime refuse with errors of many types
        raise DamagedError(f"{path} cannot be loaded: {in_one_line(error)}") from error


@contextmanager
def writable(place: str | Path) -> Iterator[None]:
    """Around what writes to the artifacts first; that it cannot is an `InputError`."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"--artifacts {place} cannot be written to ({error.strerror}); give a folder that can"
        ) from error


def writable_store(address: str) -> Store:
    """The store at an address, tried by a write; InputError, or DiskError if it is full."""
    store = Store.at(address)
    try:
        with writable(store.root), disk_of(store.root):
            store.root.mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=store.root).close()
        if store.remote:  # learn now what would go wrong later
            store.write("probe", b"can this be written?")
            store.remove("probe")
    except RemoteError as error:
        raise InputError(
            f"--artifacts {error}; give a folder or URL that can, and the credentials that it needs"
        ) from error
    return store


def write_checksummed(store: Store, name: str, content: bytes) -> None:
    """Write `content` behind a line with its digest, atomically; `name` is a relative path."""
    store.write(name, _digest(name, content) + b"\n" + content)


def read_checksummed(store: Store, name: str) -> bytes:
    """A checksummed file's content; OSError if there is none, DamagedError if it was changed."""
    digest, _, content = store.read(name).partition(b"\n")
    if _digest(name, content) != digest:
        raise DamagedError(f"{store.place(name)} is not what was stored")
    return content


def write_arrays(store: Store, name: str, arrays: Sequence[Array], notes: str) -> None:
    """Write arrays of any shape and numeric dtype with a text as one checksummed file."""
    buffer = BytesIO()
    numbered = {str(number): array for number, array in enumerate(arrays)}
    np.savez(buffer, allow_pickle=False, **numbered, **{NOTES: np.array(notes)})
    write_checksummed(store, name, buffer.getvalue())


def read_arrays(store: Store, name: str) -> tuple[list[Array], str] | None:
    """Arrays, in their order, and text as written; None if there are none or they are damaged."""
    try:
        content = read_checksummed(store, name)
        with np.load(BytesIO(content), allow_pickle=False) as saved:
            if not any(member.compress_type for member in saved.zip.infolist()):  # as we write it
                arrays = [np.asarray(saved[key]) for key in saved.files if key != NOTES]
                return arrays, str(saved[NOTES])
    except RemoteError:
        raise
    except Exception:  # whatever it is, it is computed again
        pass
    return None


@lru_cache(4)
def _joined(store: Store, reference: ArrayReference) -> Array:
    """In a file without a name, which is no one's memory, and gone when nobody has it any more."""
    first = reference.followed_by((), -1)
    with disk_of(store.root), TemporaryFile(dir=store.root) as file:
        for part in (store.array(first), *map(store.rows, reference.rest)):
            # to write into a mapping would end the process where the disk is full
            file.write(np.ascontiguousarray(part, reference.dtype).data)
        file.flush()
        return np.memmap(file, reference.dtype, "r", shape=reference.shape)


def _digest(name: str, content: bytes) -> bytes:
    """Hex SHA-256; with a secret its HMAC, so that what others wrote, or moved here, is damaged."""
    secret, named = os.environ.get(SECRET, "").encode(), f"{name}\0".encode() + content
    found = hmac.new(secret, named, "sha256") if secret else hashlib.sha256(content)
    return found.hexdigest().encode()


def _save(path: Path, array: Array) -> None:
    with path.open("wb") as file:
        # NumPy must not see that this is a file: its own way to write into one hides a full disk
        np.save(SimpleNamespace(write=file.write), array, allow_pickle=False)
