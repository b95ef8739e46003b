"""What surrounds a run: where it stores, whether it trusts the cache, and what it logs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.logging import get_run_logger
from prefect.settings import PREFECT_TASKS_REFRESH_CACHE, temporary_settings

from flows.config import Config
from tasks.errors import InputError
from tasks.sources.source import Source
from tasks.storage.ledger import note_outcome
from tasks.storage.records import storing_in


@contextmanager
def pipeline_run(config: Config) -> Iterator[None]:
    """Within the flow: store below the artifacts folder, and keep the log readable.

    Raises:
        InputError: The artifacts folder cannot be written to.
    """
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_is_worth_reading)
    try:
        config.artifacts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"--artifacts {config.artifacts} cannot be written to ({error.strerror}); "
            "give a folder that can"
        ) from error
    with (
        temporary_settings({PREFECT_TASKS_REFRESH_CACHE: config.refresh}),
        storing_in(config.artifacts),
    ):
        yield


def log_notice(source: Source) -> None:
    """Say loudly that a run does not use the data that it might be thought to use."""
    if source.notice:
        get_run_logger().warning(source.notice)


def _is_worth_reading(record: logging.LogRecord) -> bool:
    """Neither the chatter about our own hook, nor the traceback of a bad input."""
    error = record.exc_info[1] if record.exc_info else None
    is_about_hook = note_outcome.__name__ in record.getMessage()
    return not (is_about_hook or isinstance(error, InputError))
