"""Trials on processes of this machine, or on a Dask cluster of this one or of many."""

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from threading import Event, Thread, local
from typing import TYPE_CHECKING, Any, TypeVar

from prefect.logging import get_run_logger

from tasks.errors import InputError, WorkerError
from tasks.trials.trial import Group, Train, TrialResult

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")
R = TypeVar("R")

MOST_DEATHS = 3
SECONDS_TO_CONNECT = 10
# Keras imports them where they are installed, for functions that no worker calls.
NOT_NEEDED = ("matplotlib", "pandas", "sklearn")


def run_on_processes(
    train: Train, groups: Sequence[Group], workers: int
) -> Iterator[list[TrialResult]]:
    """Train groups on so many processes; one that dies is replaced and its group begun again.

    The processes are spawned: TensorFlow does not survive a fork. Raises WorkerError if the same
    group brought `MOST_DEATHS` of them down.
    """
    over, own, warn = Event(), local(), get_run_logger().warning
    threads = ThreadPoolExecutor(workers)
    try:
        calls = [threads.submit(_on_own_process, train, group, own, over, warn) for group in groups]
        for done in as_completed(calls):
            yield done.result()
    finally:
        over.set()
        threads.shutdown(wait=False, cancel_futures=True)
        kill_processes()


def _on_own_process(
    train: Train, group: Group, own: local, over: Event, warn: Callable[..., None]
) -> list[TrialResult]:
    """Train a group on the thread's process, in a pool of its own: its death breaks a pool."""
    for _ in range(MOST_DEATHS):
        own.pool = getattr(own, "pool", None) or one_process(leave_out_what_is_not_needed)
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


def leave_out_what_is_not_needed() -> None:
    """Let the imports of these modules fail in this process, which saves 75 MB of it."""
    for name in NOT_NEEDED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]    # that is how Python says it


def one_process(prepare: Callable[[], object] | None = None) -> ProcessPoolExecutor:
    """A pool of one spawned process, first prepared, that ends when this one does, however."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (prepare,))


def submit(pool: ProcessPoolExecutor, call: Callable[[T], R], argument: T) -> Future[R]:
    """Call in a process that leaves a terminal's signals to this one, from its first moment on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        return pool.submit(call, argument)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def kill_processes() -> None:
    """End the processes that this one spawned, at once: whatever they store is whole or absent."""
    for process in multiprocessing.active_children():
        process.kill()


def _begin(prepare: Callable[[], object] | None) -> None:
    if prepare:
        prepare()
    Thread(target=_wait_for_the_parents_end, daemon=True).start()


def _wait_for_the_parents_end() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a spawned process has a parent"
    parent.join()
    os._exit(1)


def run_on_dask(
    train: Train, groups: Sequence[Group], workers: int, address: str | None
) -> Iterator[list[TrialResult]]:
    """Train groups on the cluster at an address, or on a local one of so many workers.

    Dask gives the group of a worker that died to another one. Raises InputError if Dask is not
    installed or no cluster answers, WorkerError if the same group brought several workers down.
    """
    with _connect(workers, address) as client:
        from distributed import KilledWorker, as_completed

        futures = client.map(train, groups, pure=False)
        try:
            for _, results in as_completed(futures, with_results=True):
                yield results
        except KilledWorker as error:
            raise WorkerError("several Dask workers died on the same trials") from error


def _connect(workers: int, address: str | None) -> "Client":
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("--runner dask needs Dask: pip install -e '.[dask]'") from error
    local = {"host": "127.0.0.1", "dashboard_address": None, "preload": __name__}
    if address is None:  # a cluster that ends with its client
        return Client(n_workers=workers, threads_per_worker=1, **local)
    try:
        return Client(address, timeout=SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--address {address}: no Dask scheduler answers there; start one with `dask scheduler`"
        ) from error


def dask_setup(worker: Any) -> None:
    """Dask calls this in each worker that is told to load this module first."""
    leave_out_what_is_not_needed()
    log = logging.getLogger("distributed.worker")  # an error is raised and said in the run, too
    log.addFilter(lambda record: "Compute Failed" not in record.getMessage())
