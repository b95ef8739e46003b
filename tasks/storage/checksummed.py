"""Files that carry the digest of their own content in a first line."""

import hashlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.storage.store import DamagedError, Store

NOTES = "notes"


def write_checksummed(store: Store, name: str, content: bytes) -> None:
    """Write `content` behind its digest, atomically; `name` is a relative path."""
    store.write(name, _digest(content) + b"\n" + content)


def read_checksummed(store: Store, name: str) -> bytes:
    """The content of a checksummed file.

    Raises:
        OSError: There is no such file.
        DamagedError: The content is not what was written.
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
    """Arrays, in their order, and text as `write_arrays` wrote them; see `read_checksummed`."""
    with np.load(BytesIO(read_checksummed(store, name)), allow_pickle=False) as saved:
        return [saved[key] for key in saved.files if key != NOTES], str(saved[NOTES])


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
