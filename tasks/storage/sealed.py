"""Files that carry the digest of their own content in a first line."""

import hashlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.storage.store import DamagedError, Store, replace

NOTES = "notes"


def write_sealed(store: Store, path: Path, content: bytes) -> None:
    """Write `content` behind its digest, at one stroke."""
    with store.temporary() as temporary:
        temporary.write_bytes(_digest(content) + b"\n" + content)
        replace(temporary, path)


def read_sealed(path: Path) -> bytes:
    """The content of a sealed file.

    Raises:
        OSError: There is no such file.
        DamagedError: The content is not what was written.
    """
    digest, _, content = path.read_bytes().partition(b"\n")
    if _digest(content) != digest:
        raise DamagedError(f"{path} is not what was stored")
    return content


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def write_arrays(store: Store, name: str, arrays: Sequence[NDArray[Any]], notes: str) -> None:
    """Write arrays and a text as one sealed file."""
    buffer = BytesIO()
    numbered = {str(number): array for number, array in enumerate(arrays)}
    np.savez(buffer, allow_pickle=False, **numbered, **{NOTES: np.array(notes)})
    write_sealed(store, store.root / name, buffer.getvalue())


def read_arrays(store: Store, name: str) -> tuple[list[NDArray[Any]], str]:
    """Arrays and text as they were written.

    Raises:
        OSError: There is no such file.
        DamagedError: The content is not what was written.
    """
    content = read_sealed(store.root / name)
    with np.load(BytesIO(content), allow_pickle=False) as saved:
        arrays = [saved[key] for key in saved.files if key != NOTES]
        return arrays, str(saved[NOTES])
