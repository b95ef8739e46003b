"""One run of a machine at a time on the same artifacts."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from filelock import FileLock, Timeout

from tasks.errors import InputError
from tasks.storage.files import disk_of
from tasks.storage.store import Store, writable


@contextmanager
def exclusive(
    store: Store, wait_seconds: float | None, say: Callable[[str], None]
) -> Iterator[None]:
    """Hold the store until the block ends; wait for another run that holds it.

    The lock is `flock`'s, which the system releases when its holder dies. It lies in the store's
    folder, which exists: of a remote store it holds for the runs of this machine. The wait is 0 or
    more; None is as long as it takes. `say` is told for whom we wait. InputError if another run
    still held it after that, or it cannot be written, DiskError if there is no space for it.
    """
    lock, holder = FileLock(store.root / "run.lock"), store.root / "run.holder"
    try:
        with writable(store.address), disk_of(holder):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                other = holder.read_text() if holder.exists() else "another run"
                until = "until it ends" if wait_seconds is None else f"up to {wait_seconds:g} s"
                say(f"{store.address} is in use by {other}; waiting {until}")
                try:
                    lock.acquire(-1 if wait_seconds is None else wait_seconds, poll_interval=0.2)
                except Timeout:
                    raise InputError(
                        f"--artifacts {store.address} is in use by {other}; wait for it with a "
                        "larger --wait, or give another place"
                    ) from None
            holder.write_text(
                f"process {os.getpid()} on {socket.gethostname()} since {datetime.now():%H:%M:%S}"
            )
        yield
    finally:
        lock.release()
