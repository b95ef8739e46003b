"""Stages: when one is Cached (same inputs, source and library versions), and how each ended."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from importlib.metadata import version
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from prefect import Task, runtime, task
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from pydantic import BaseModel

from tasks.schemas.references import identity
from tasks.storage.source import source_sha256

P = ParamSpec("P")
R = TypeVar("R")

LIBRARIES = ("keras", "tensorflow", "numpy")

_recipe: ContextVar[str] = ContextVar("recipe", default="")

_finished: defaultdict[UUID | None, list["TaskRunResult"]] = defaultdict(list)


def cache_key(name: str, module: str, inputs: Mapping[str, object]) -> str:
    """Hex digest of what decides a result: its name, inputs, source and library versions.

    Of an input it is the identity, so that a moved or re-made file of equal content hits; the
    source is that of a module, dotted as in `tasks.load`, and of all that the module imports.
    """
    versions = {library: version(library) for library in LIBRARIES}
    named = {key: identity(value) for key, value in inputs.items()}
    decisive = [name, source_sha256(module), versions, named]
    return sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


CACHED = CachePolicy.from_cache_key_fn(
    lambda context, inputs: cache_key(context.task.name, context.task.fn.__module__, inputs)
)


class TaskRunResult(BaseModel):
    """One finished task run: `state` is Completed or Cached."""

    task: str
    state: str
    seconds: float


def record_task_run(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> None:
    """Completion hook: remember how a task ended."""
    seconds = (state.timestamp - run.start_time).total_seconds() if run.start_time else 0.0
    name = "Cached" if state.name == "Cached" else "Completed"
    _finished[run.flow_run_id].append(TaskRunResult(task=task.name, state=name, seconds=seconds))


def finished_task_runs() -> list[TaskRunResult]:
    """The tasks of the calling task's flow run that have finished so far, in order."""
    run = TaskRunContext.get()
    return list(_finished[run.task_run.flow_run_id if run else None])


@contextmanager
def by_recipe(name: str) -> Iterator[None]:
    """Within, task runs have a recipe's name behind that of their stage, and one behind that."""
    before = _recipe.set(f"{_recipe.get()} {name}".strip())
    try:
        yield
    finally:
        _recipe.reset(before)


def by_fold(items: Iterable[R]) -> Iterator[R]:
    """What there is for each fold; in its turn, task runs are named by it."""
    for number, item in enumerate(items, 1):
        with by_recipe(f"fold {number}"):
            yield item


def _run_name() -> str:
    told = runtime.task_run.parameters
    about = [
        getattr(told[key], "name", told[key]) for key in ("trained", "approach") if key in told
    ]
    return " ".join(filter(None, [runtime.task_run.task_name, _recipe.get(), *about]))


def stage(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A Prefect task that is cached by inputs, source and library versions."""
    return task(
        name=name,
        task_run_name=_run_name,
        cache_policy=CACHED,
        persist_result=True,
        cache_result_in_memory=False,
        on_completion=[record_task_run],
    )


def uncached_stage(name: str, **how: Any) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A Prefect task that runs each time, with Prefect's options."""
    return task(name=name, task_run_name=name, cache_policy=NO_CACHE, persist_result=False, **how)
