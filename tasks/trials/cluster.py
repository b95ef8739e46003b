"""Trials on a Dask cluster, of this machine or of many."""

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tasks.errors import InputError, WorkerError
from tasks.trials.processes import leave_out_what_is_not_needed
from tasks.trials.trial import Group, Train, TrialResult

if TYPE_CHECKING:
    from distributed import Client

SECONDS_TO_CONNECT = 10


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
