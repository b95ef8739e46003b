"""A flow of this project: Prefect runs it where a server is set, and else this process."""

import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, get_type_hints

from filelock import FileLock, Timeout

from flows.config import RunConfig, StoringConfig
from tasks.data.read import find_source
from tasks.data.source import Source
from tasks.errors import InputError
from tasks.load import load
from tasks.schemas.images import LabelledImages
from tasks.storage.execution import Executing, Explaining, Row, called_by
from tasks.storage.files import disk_of
from tasks.storage.reasons import NotStoredError
from tasks.storage.records import remove_checkpoints
from tasks.storage.stages import get_run_logger
from tasks.storage.store import Store, writable, writable_store

if TYPE_CHECKING:
    from prefect import Flow

R = TypeVar("R")
C = TypeVar("C", bound=StoringConfig)
D = TypeVar("D", bound=RunConfig)


class Ended(NamedTuple):
    """How a flow ended, in a sentence, with the name of a state of its own."""

    message: str
    name: str = "Completed"


class PipelineFlow(Generic[C, R]):
    """A flow whose only parameter is `config`."""

    def __init__(self, function: Callable[[C], R], name: str) -> None:
        update_wrapper(self, function)
        self.fn, self.name = function, name

    @property
    def config(self) -> type[C]:
        """What the flow is told."""
        return get_type_hints(self.fn)["config"]  # type: ignore[no-any-return]

    @cached_property
    def flow(self) -> "Flow[[C], R]":
        """Prefect's, whose import takes a second."""
        from flows.prefect_run import as_flow

        return as_flow(self)

    def __call__(self, config: C) -> R:
        """Run it; InputError for what is wrong with the configuration or the data."""
        if server_is_set():
            return self.flow(config)
        with alone(config, Executing):
            return self.fn(config)

    def explain(self, config: C) -> list[Row]:
        """What would become of each stage, as far as can be told without running one."""
        explaining = Explaining(Store.at(config.artifacts), getattr(config, "refresh", False))
        with called_by(explaining), suppress(NotStoredError):
            try:
                self.fn(config)
            except InputError:
                if not any(row.fate == "runs" for row in explaining.rows):
                    raise  # else it is of a former result that stood in
        return explaining.rows


def pipeline_flow(name: str) -> Callable[[Callable[[C], R]], PipelineFlow[C, R]]:
    """Decorator: a flow with this name."""
    return lambda function: PipelineFlow(function, name)


def server_is_set() -> bool:
    """Whether Prefect's settings name a server."""
    if "prefect" not in sys.modules and not _may_be_set():
        return False
    from prefect.settings import PREFECT_API_URL

    return bool(PREFECT_API_URL.value())


def _may_be_set() -> bool:
    """By where the settings lie, as Prefect's import takes a second."""
    # https://docs.prefect.io/v3/concepts/settings-and-profiles
    if os.environ.get("PREFECT_API_URL") or "PREFECT_PROFILE" in os.environ:
        return True
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    profiles = os.environ.get("PREFECT_PROFILES_PATH", home / "profiles.toml")
    files = filter(Path.is_file, map(Path, (".env", "prefect.toml", "pyproject.toml", profiles)))
    named = re.compile(r"api_url|\[(tool\.prefect\.)?api\]|api\.url", re.IGNORECASE)
    return any(named.search(file.read_text("utf-8", "replace")) for file in files)


@contextmanager
def exclusive(
    store: Store, wait_seconds: float | None, say: Callable[[str], None]
) -> Iterator[None]:
    """Hold the store until the block ends; wait for another run that holds it.

    The lock is `flock`'s, which the system releases when its holder dies, in the store's folder: of
    a remote store it holds for this machine. The wait is 0 or more, or None, as long as it takes;
    `say` is told for whom. InputError if another still held it or it is unwritable, DiskError.
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


@contextmanager
def alone(config: StoringConfig, executor: type[Executing]) -> Iterator[Store]:
    """Run stages alone on the artifacts, without what killed runs left; InputError if in use."""
    store = writable_store(config.artifacts)
    refresh = getattr(config, "refresh", False)
    with (
        called_by(executor(store, refresh)),
        disk_of(store.root),
        exclusive(store, config.wait, get_run_logger().warning),
    ):
        _tidy(store, refresh)
        yield store
        _tidy(store)
        store.write(f"ended/{type(config).__name__}", f"{datetime.now(UTC)}".encode())


def _tidy(store: Store, refresh: bool = False) -> None:
    """Remove what killed runs left, and what finished or unwanted trainings kept."""
    shutil.rmtree(store.root / "tmp", ignore_errors=True)
    remove_checkpoints(store, refresh)


def load_data(config: D, seed: int) -> tuple[Source, LabelledImages, D]:
    """Where a run's images are from, these, and its configuration fitted to them; or InputError."""
    source = find_source(config.dataset, seed, config.reading)
    if source.notice:
        get_run_logger().warning(source.notice)
    data = load(source)
    return source, data, config.fitted_to(source, data)
