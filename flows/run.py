"""What surrounds a run: where it stores, whether it trusts the cache, and what it logs."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.logging import get_run_logger
from prefect.settings import PREFECT_TASKS_REFRESH_CACHE, temporary_settings

from flows.config import RunConfig
from flows.failure import leave_reason
from flows.warm_up import mark_finished
from tasks.data.source import Source
from tasks.errors import ReadableError
from tasks.storage import checkpoints, records
from tasks.storage.lock import exclusive
from tasks.storage.stages import record_task_run
from tasks.storage.store import Store, writable_store

CHATTER = (record_task_run.__name__, leave_reason.__name__, "triggered tf.function retracing")


@contextmanager
def pipeline_run(config: RunConfig) -> Iterator[None]:
    """Within the flow: alone on the artifacts, and store there.

    Raises:
        FullDiskError: The artifacts' disk is full.
        InputError: The artifacts cannot be written to, or another run did not leave them.
    """
    store = writable_store(config.artifacts)
    with (
        exclusive(store, config.wait, get_run_logger().warning),
        temporary_settings({PREFECT_TASKS_REFRESH_CACHE: config.refresh}),
        records.storing_in(store),
    ):
        _tidy(store, config.refresh)
        yield
        _tidy(store)
        mark_finished(config)


def keep_log_readable() -> None:
    """Keep out of the logs what nobody wants to read."""
    for name in ("prefect.flow_runs", "prefect.task_runs", "tensorflow"):
        logging.getLogger(name).addFilter(_is_worth_reading)


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


def _is_worth_reading(record: logging.LogRecord) -> bool:
    """Neither chatter on our own hooks and new graphs, nor the traceback of an error for people."""
    error = record.exc_info[1] if record.exc_info else None
    message = record.getMessage()
    is_chatter = any(words in message for words in CHATTER)
    return not (is_chatter or isinstance(error, ReadableError))
