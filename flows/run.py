"""A flow of this project and what surrounds its run: store, lock, log, and how it ended."""

import logging
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, get_type_hints
from uuid import UUID

from prefect import Flow, runtime
from prefect._internal import analytics
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.settings import PREFECT_TASKS_REFRESH_CACHE, temporary_settings
from prefect.states import Crashed

from flows.cli_types import in_one_sentence
from flows.config import RunConfig, StoringConfig
from tasks.data.read import find_source
from tasks.data.source import Source
from tasks.errors import ReadableError
from tasks.load import load
from tasks.reporting.folder import show, tell
from tasks.schemas.images import LabelledImages
from tasks.storage.files import disk_of
from tasks.storage.lock import exclusive
from tasks.storage.records import remove_checkpoints, storing_in
from tasks.storage.stages import record_task_run
from tasks.storage.store import Store, writable_store

ALIVE = "run.id"
CHATTER = (record_task_run.__name__, "leave_reason", "triggered tf.function retracing")
INTRODUCTION = re.compile("^.*?(encountered an exception|parameters failed with error): ")

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=StoringConfig)
D = TypeVar("D", bound=RunConfig)


@contextmanager
def pipeline_run(config: RunConfig) -> Iterator[None]:
    """In a flow: alone on the artifacts; InputError if they cannot be written to, or are in use."""
    store = writable_store(config.artifacts)
    with (
        disk_of(store.root),
        exclusive(store, config.wait, get_run_logger().warning),
        reported_alive(store),
        temporary_settings({PREFECT_TASKS_REFRESH_CACHE: config.refresh}),
        storing_in(store),
    ):
        _tidy(store, config.refresh)
        yield
        _tidy(store)


def load_data(config: D, seed: int) -> tuple[Source, LabelledImages, D]:
    """Where a run's images are from, these, and its configuration fitted to them; or InputError."""
    source = find_source(config.dataset, seed, config.reading)
    if source.notice:
        get_run_logger().warning(source.notice)
    data = load(source)
    return source, data, config.fitted_to(source, data)


def _tidy(store: Store, refresh: bool = False) -> None:
    """Remove what killed runs left, and what finished or unwanted trainings kept."""
    shutil.rmtree(store.root / "tmp", ignore_errors=True)
    remove_checkpoints(store, refresh)


class PipelineFlow(Flow[P, R]):
    """A flow whose only parameter is `config`."""

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """What Prefect calls first; InputError for what the form's JSON schema cannot refuse."""
        for name in ("prefect.flow_runs", "prefect.task_runs", "tensorflow"):
            logging.getLogger(name).addFilter(_is_worth_reading)
        with in_one_sentence():
            return {"config": self.config.model_validate(parameters["config"])}

    @property
    def config(self) -> type[StoringConfig]:
        """What the flow is told."""
        return get_type_hints(self.fn)["config"]  # type: ignore[no-any-return]


def pipeline_flow(name: str) -> Callable[[Callable[[C], R]], PipelineFlow[[C], R]]:
    """Decorator: a flow that leaves the reason where it fails."""

    def decorate(function: Callable[[C], R]) -> PipelineFlow[[C], R]:
        # Prefect makes an identifier for a terminal's first flow, even where it may tell nothing
        analytics.try_mark_milestone = lambda milestone: False
        hooks: dict[str, Any] = {"on_failure": [leave_reason], "on_crashed": [leave_reason]}
        return PipelineFlow(function, name=name, flow_run_name=_run_name, **hooks)

    return decorate


def _run_name() -> str:
    """What a run is about, and when: `photos, cat-dog, tuned, 2026-12-01 03:00:00`."""
    told = runtime.flow_run.parameters["config"].filled_form()
    dataset = Path(told.get("dataset", "")).name
    parts = ("classes", "pairs", "subsets", "recipes", "action", "batch")
    given = (str(told.get(name) or "").replace(",", "-") for name in parts)
    return ", ".join(filter(None, (dataset, *given, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}")))


def leave_reason(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Failure and crash hook: a markdown artifact of the run that says why it ended."""
    text = (
        f"## `{flow.name}`: {state.name}\n\n{reason(state)}\n\n"
        "What was stored before is whole; the next run resumes from there."
    )
    if flow.name == "digit-retraining":
        tell("retraining.failed", "retraining", reason(state), str(flow_run.id))
    show("failure", text, "Why the run ended.", flow_run.id)  # after a crash none is present


def reason(state: State[Any]) -> str:
    """The message of a state without the words that Prefect puts in front."""
    rest = INTRODUCTION.sub("", state.message or "no reason was given")
    kind, _, sentence = rest.partition(": ")
    readable = {error.__name__ for error in ReadableError.__subclasses__()}
    return sentence if kind in readable else rest


def _is_worth_reading(record: logging.LogRecord) -> bool:
    """Neither chatter on our own hooks and new graphs, nor the traceback of an error for people."""
    is_chatter = any(words in record.getMessage() for words in CHATTER)
    return not (is_chatter or (record.exc_info and isinstance(record.exc_info[1], ReadableError)))


@contextmanager
def reported_alive(store: Store) -> Iterator[None]:
    """Within a flow, alone on the store: this run is alive until the block or its process ends.

    By the file that a killed run leaves, the next one, or `flows/serve.py`, reports it as crashed.
    """
    report_crashed(store)
    path = store.root / ALIVE
    with disk_of(path):
        path.write_text(str(runtime.flow_run.id))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def report_crashed(store: Store) -> None:
    """Report as crashed the run that was killed on these artifacts, where now no other is alive."""
    path = store.root / ALIVE
    with suppress(FileNotFoundError, ValueError, ObjectNotFound):  # or a run of another server
        run = UUID(path.read_text())
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(run).state
            if state and not state.is_final():
                client.set_flow_run_state(
                    run, Crashed(message="Its process was killed."), force=True
                )
    path.unlink(missing_ok=True)
