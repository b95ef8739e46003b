"""Files that carry the digest of their own content in a first line."""

import hashlib
from pathlib import Path

from tasks.storage.store import DamagedError, Store, replace


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
