"""A flow where Prefect runs it, and its stages as tasks: store, lock, log, and how it ended."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache, wraps
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from prefect import Flow, Task, runtime, task
from prefect._internal import analytics
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Completed, Crashed

from flows.cli_types import in_one_sentence
from flows.config import StoringConfig
from flows.run import Ended, PipelineFlow, alone
from tasks.errors import ReadableError
from tasks.reporting.folder import show, tell
from tasks.storage.execution import CACHED, Executing
from tasks.storage.files import disk_of
from tasks.storage.stages import Stage, executor
from tasks.storage.store import Store

ALIVE = "run.id"
INTRODUCTION = re.compile("^.*?(encountered an exception|parameters failed with error): ")

C = TypeVar("C", bound=StoringConfig)


def as_flow(pipeline: PipelineFlow[C, Any]) -> Flow[[C], Any]:
    """Prefect's flow, which leaves the reason where it fails."""

    @wraps(pipeline.fn)
    def run(config: C) -> Any:
        with alone(config, ByPrefect) as store, reported_alive(store):
            ended = pipeline.fn(config)
        return Completed(**ended._asdict()) if isinstance(ended, Ended) else ended

    run.__qualname__ += ".flow"  # where Prefect finds it in the module
    # Prefect makes an identifier for a terminal's first flow, even where it may tell nothing
    analytics.try_mark_milestone = lambda milestone: False
    hooks: dict[str, Any] = {"on_failure": [leave_reason], "on_crashed": [leave_reason]}
    return ValidatedFlow(run, name=pipeline.name, flow_run_name=_run_name, **hooks)


class ByPrefect(Executing):
    """Has Prefect run each stage as a task, of which it keeps no result: the record is that."""

    is_prefect = True

    def call(self, stage: Stage[..., Any], inputs: Mapping[str, Any]) -> Any:
        """The result of a stage."""
        ended = as_task(stage)(**inputs)
        return ended.result() if isinstance(ended, State) else ended


@cache
def as_task(stage: Stage[..., Any]) -> Task[..., Any]:
    """The task of a stage, which ends in the state Cached if its record was found."""

    @wraps(stage.fn)
    def run(**inputs: Any) -> Any:
        result, state = executor.get().execute(stage, inputs)
        return Completed(name=CACHED, data=result) if state == CACHED else result

    return task(
        name=stage.name,
        task_run_name=lambda: stage.run_name(runtime.task_run.parameters),
        cache_policy=NO_CACHE,
        persist_result=False,
    )(run)


class ValidatedFlow(Flow[[C], Any]):
    """A flow whose only parameter is `config`."""

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """What Prefect calls first; InputError for what the form's JSON schema cannot refuse."""
        for name in ("prefect.flow_runs", "prefect.task_runs"):
            logging.getLogger(name).addFilter(_is_worth_reading)
        config = get_type_hints(self.fn)["config"]
        with in_one_sentence():
            return {"config": config.model_validate(parameters["config"])}


def _run_name() -> str:
    """What a run is about, and when: `photos, cat-dog, tuned, 2026-12-01 03:00:00`."""
    told = runtime.flow_run.parameters["config"].filled_form()
    dataset = Path(told.get("dataset", "")).name
    parts = ("classes", "pairs", "subsets", "recipes", "action", "batch")
    given = (str(told.get(name) or "").replace(",", "-") for name in parts)
    return ", ".join(filter(None, (dataset, *given, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}")))


def leave_reason(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Failure and crash hook: a markdown artifact of the run that says why it ended."""
    why = reason(state)
    text = (
        f"## `{flow.name}`: {state.name}\n\n{why[:1].upper()}{why[1:].rstrip('.')}.\n\n"
        "What was stored before is whole; the next run resumes from there."
    )
    if flow.name == "digit-retraining":
        tell("retraining.failed", "retraining", why, str(flow_run.id))
    show("failure", text, "Why the run ended.", flow_run.id)  # after a crash none is present


def reason(state: State[Any]) -> str:
    """The message of a state without the words that Prefect puts in front."""
    rest = INTRODUCTION.sub("", state.message or "no reason was given")
    kind, _, sentence = rest.partition(": ")
    readable = {error.__name__ for error in ReadableError.__subclasses__()}
    return sentence if kind in readable else rest


def _is_worth_reading(record: logging.LogRecord) -> bool:
    """Neither chatter on our own hook, nor the traceback of an error for people."""
    is_hooks = leave_reason.__name__ in record.getMessage()
    return not (is_hooks or (record.exc_info and isinstance(record.exc_info[1], ReadableError)))


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


def report_crashed(store: Store, *types: str) -> None:
    """Report as crashed what was killed on these artifacts, or is in such states; none is alive."""
    path = store.root / ALIVE
    with suppress(ValueError), get_client(sync_client=True) as client:
        told = [path.read_text()] if path.exists() else []
        asked = {"operator": "or_", "id": {"any_": told}, "state": {"type": {"any_": types}}}
        for run in client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(asked)):
            is_here = repr(str(store.root.resolve())) in repr(run.parameters)  # of any project
            if run.state and not run.state.is_final() and (is_here or str(run.id) in told):
                message = "Its process was killed; the next run resumes what it was at."
                client.set_flow_run_state(run.id, Crashed(message=message), force=True)
    path.unlink(missing_ok=True)
