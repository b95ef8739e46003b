"""One run at a time on an artifacts folder."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from tasks.errors import InputError


@contextmanager
def exclusive(root: Path, wait_seconds: float, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the folder until the block ends; wait for another run that holds it.

    The lock is `flock`'s, which the system releases when its holder dies, so that a killed run
    never blocks the next one.

    Args:
        root: An existing folder.
        wait_seconds: How long to wait for another run, 0 or more.
        say: Is told for whom we wait.

    Raises:
        InputError: Another run still held the folder after `wait_seconds`.
    """
    lock, holder = FileLock(root / "run.lock"), root / "run.holder"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        other = holder.read_text() if holder.exists() else "another run"
        say(f"{root} is in use by {other}; waiting up to {wait_seconds:g} s")
        _wait(lock, root, wait_seconds, other)
    try:
        holder.write_text(
            f"process {os.getpid()} on {socket.gethostname()} since {datetime.now():%H:%M:%S}"
        )
        yield
    finally:
        lock.release()


def _wait(lock: FileLock, root: Path, seconds: float, other: str) -> None:
    try:
        lock.acquire(timeout=seconds, poll_interval=0.2)
    except Timeout:
        raise InputError(
            f"--artifacts {root} is in use by {other}; wait for it with a larger --wait, "
            "or give another folder"
        ) from None
