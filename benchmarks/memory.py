"""The memory of this process and of all that it started."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """The most memory, in MB (10^6 bytes), that this process and its children held together.

    Pages that several share are counted once (Linux's proportional set size).
    """
    peak, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
            peak[0] = max(peak[0], sum(map(_pss, processes)) / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
