"""What surrounds a run: where it stores, whether it trusts the cache, and what it logs."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.logging import get_run_logger
from prefect.settings import PREFECT_TASKS_REFRESH_CACHE, temporary_settings

from flows.config import RunConfig
from flows.warm_up import mark_finished
from tasks.data.source import Source
from tasks.storage import checkpoints, records
from tasks.storage.lock import exclusive
from tasks.storage.store import Store


@contextmanager
def pipeline_run(config: RunConfig) -> Iterator[None]:
    """Within the flow: alone on the artifacts, whose folder exists, and store there.

    Raises:
        FullDiskError: The artifacts' disk is full.
        InputError: The artifacts cannot be written to, or another run did not leave them.
    """
    store = Store.at(config.artifacts)
    with (
        exclusive(store, config.wait, get_run_logger().warning),
        temporary_settings({PREFECT_TASKS_REFRESH_CACHE: config.refresh}),
        records.storing_in(store),
    ):
        _tidy(store, config.refresh)
        yield
        _tidy(store)
        mark_finished(config)


def log_notice(source: Source) -> None:
    """Say loudly that a run does not use the data that it might be thought to use."""
    if source.notice:
        get_run_logger().warning(source.notice)


def _tidy(store: Store, refresh: bool = False) -> None:
    """Remove what killed runs left, and what finished or unwanted trainings kept."""
    shutil.rmtree(store.root / "tmp", ignore_errors=True)
    if refresh:
        checkpoints.remove_all(store)
    checkpoints.remove_finished(store, records.FOLDER)
