"""Trials on a Dask cluster, of this machine or of many."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tasks.errors import InputError, WorkerError
from tasks.trials.group import Group, Train
from tasks.trials.processes import leave_out_what_is_not_needed
from tasks.trials.trial import TrialResult

if TYPE_CHECKING:
    from distributed import Client

SECONDS_TO_CONNECT = 10


def run_on_dask(
    train: Train, groups: Sequence[Group], workers: int, address: str | None
) -> Iterator[list[TrialResult]]:
    """Train groups on the cluster at an address, or on a local one of so many workers.

    Dask gives the group of a worker that died to another one.

    Raises:
        InputError: Dask is not installed, or no cluster answers at the address.
        WorkerError: The same group brought several workers down.
    """
    with ExitStack() as stack:
        client = stack.enter_context(_connect(workers, address, stack))
        from distributed import KilledWorker, as_completed

        futures = client.map(train, groups, pure=False)
        try:
            for _, results in as_completed(futures, with_results=True):
                yield results
        except KilledWorker as error:
            raise WorkerError("several Dask workers died on the same trials") from error


def _connect(workers: int, address: str | None, stack: ExitStack) -> "Client":
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise InputError("--runner dask needs Dask: pip install -e '.[dask]'") from error
    if address is None:
        local = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            preload=__name__,
        )
        return Client(stack.enter_context(local))
    try:
        return Client(address, timeout=SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--address {address}: no Dask scheduler answers there; start one with `dask scheduler`"
        ) from error


def dask_setup(worker: Any) -> None:
    """Dask calls this in each worker that is told to load this module first."""
    leave_out_what_is_not_needed()
    logging.getLogger("distributed.worker").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Not an error with its traceback: it is raised in the run, too, and said there."""
    return "Compute Failed" not in record.getMessage()
