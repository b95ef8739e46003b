"""Trials on processes of this machine."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from threading import Event, Thread, local
from typing import Any, TypeVar

from tasks.errors import WorkerError
from tasks.storage.stages import get_run_logger
from tasks.trials.trial import Group, TrialResult

R = TypeVar("R")
MOST_DEATHS = 3
# Keras imports them where they are installed, for functions that no worker calls.
NOT_NEEDED = ("matplotlib", "pandas", "sklearn")


def run_on_processes(
    train: Callable[[Group], list[TrialResult]], groups: Sequence[Group], workers: int
) -> Iterator[list[TrialResult]]:
    """Train groups on processes, replacing dead ones; WorkerError if one kills `MOST_DEATHS`."""
    # They are spawned: TensorFlow does not survive a fork.
    over, own, warn = Event(), local(), get_run_logger().warning
    threads = ThreadPoolExecutor(workers)
    try:
        calls = [threads.submit(_on_own_process, train, group, own, over, warn) for group in groups]
        for done in as_completed(calls):
            yield done.result()
    finally:
        over.set()
        threads.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.kill()  # whatever it stores is whole or absent


def _on_own_process(
    train: Callable[[Group], R], group: Group, own: local, over: Event, warn: Callable[..., None]
) -> R:
    """Train a group on the thread's process, in a pool of its own: its death breaks a pool."""
    for _ in range(MOST_DEATHS):
        own.pool = getattr(own, "pool", None) or one_process()
        try:
            return submit(own.pool, train, group).result()
        except BrokenProcessPool:
            own.pool = None
            if over.is_set():
                raise
            warn("a worker died; another one resumes its %d trials", len(group.trials))
    names = ", ".join(map(str, group.trials[0].classes))
    raise WorkerError(
        f"{MOST_DEATHS} worker processes died on the same trials (the first: classes {names}); "
        "is there enough memory?"
    )


def one_process() -> ProcessPoolExecutor:
    """A pool of one spawned process that ends when this one does, however."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), begin)


def submit(pool: ProcessPoolExecutor, train: Callable[[Group], R], group: Group) -> Future[R]:
    """Train in a process that leaves a terminal's signals to this one, from its first moment on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        return pool.submit(train, group)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin() -> None:
    """In a new process: end with its parent, and let imports fail, which saves 75 MB."""
    for name in NOT_NEEDED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]    # that is how Python says it
    parent: Any = multiprocessing.parent_process()
    Thread(target=lambda: parent.join() or os._exit(1), daemon=True).start()
