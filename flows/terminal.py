"""A run in a terminal: a line for each stage, and what is Cached on one line together."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tasks.storage.stages import RUNS

ENDED = "Finished in state "
CACHED = f"{ENDED}Cached"
WIDTH = 31  # of a stage's name; few are longer
VERBOSE = "%(asctime)s | %(levelname)-7s | %(task_run_name)s - %(message)s"
SECONDS = 30  # from a line to that of an epoch, or of a study's trials

verbose: ContextVar[bool] = ContextVar("verbose", default=False)
explaining: ContextVar[bool] = ContextVar("explaining", default=False)


class StageLines(logging.Handler):
    """What stages log, on stderr; no errors: a command says in its last line why it ended."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._cached: list[str] = []
        self._said: set[str] = set()
        self._next_progress = time.monotonic() + SECONDS

    def emit(self, record: logging.LogRecord) -> None:
        """Say a record, unless it was said before, or is of little news."""
        stage, message = getattr(record, "task_run_name", ""), record.getMessage()
        if stage and message.startswith(CACHED):
            self._cached.append(stage)
        elif self._is_news(record, message):
            self._said.add(message)  # as the layers of a base, which every head has
            self._next_progress = time.monotonic() + SECONDS
            self._say("warning:" if record.levelno >= logging.WARNING else stage, message)

    def _is_news(self, record: logging.LogRecord, message: str) -> bool:
        """Neither Prefect's states, nor progress soon after the line before, nor said before."""
        is_repeated = message in self._said and not message.startswith("runs: ")
        is_state = record.levelno >= logging.ERROR or message.startswith((ENDED, "Beginning flow"))
        is_due = getattr(record, "is_last", True) or time.monotonic() >= self._next_progress
        return is_due and not (is_state or is_repeated)

    def close(self) -> None:
        """Say what is left to be said."""
        self._say_cached()
        super().close()

    def _say(self, stage: str, message: str) -> None:
        self._say_cached()
        line = f"{stage:<{WIDTH}} {message}" if stage else message
        print(f"\n{message}" if "\n" in message else line, file=sys.stderr)

    def _say_cached(self) -> None:
        if self._cached:
            print(f"{'cached':<{WIDTH}} {', '.join(dict.fromkeys(self._cached))}", file=sys.stderr)
            self._cached.clear()


@contextmanager
def stage_lines(is_by_prefect: bool) -> Iterator[None]:
    """Within, the terminal has what stages log, or where `verbose` is set, all as it is logged."""
    if is_by_prefect:
        import flows.prefect_run  # noqa: F401    # Prefect sets its loggers up

    logger = logging.getLogger("prefect" if is_by_prefect else RUNS)
    lines = logging.StreamHandler() if verbose.get() else StageLines()
    lines.setFormatter(logging.Formatter(VERBOSE, defaults={"task_run_name": ""}))
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(lines)
    try:
        yield
    finally:
        logger.removeHandler(lines)
        logger.propagate = True
        lines.close()
