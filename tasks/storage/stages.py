"""Stages: functions of which a run computes again only what has no record; and that run."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, update_wrapper
from hashlib import sha256
from importlib.metadata import version
from inspect import signature
from logging import Logger, LoggerAdapter, LogRecord, getLogger
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, ParamSpec, TypeVar

from pydantic import BaseModel

from tasks.schemas.references import identity
from tasks.storage.source import source_digests
from tasks.storage.store import Store

if TYPE_CHECKING:
    from tasks.storage.execution import Executing

P = ParamSpec("P")
R = TypeVar("R")

LIBRARIES = ("keras", "tensorflow", "numpy")
RUNS = "digit-transfer"  # the name of the logger
CHECKPOINTS = "checkpoints"

_recipe: ContextVar[str] = ContextVar("recipe", default="")


def decisive(name: str, module: str, inputs: Mapping[str, object]) -> dict[str, Any]:
    """What decides a result, in JSON types: its name, inputs, source and library versions.

    Of an input it is the identity, so that a moved or re-made file of equal content hits; the
    source is that of a module, dotted as in `tasks.load`, and of all that the module imports.
    """
    return {
        "stage": name,
        "inputs": {key: identity(value) for key, value in inputs.items()},
        "source": source_digests(module),
        "versions": versions(),
    }


@cache
def versions() -> dict[str, str]:
    """Of the libraries that decide results."""
    return {library: version(library) for library in LIBRARIES}


def cache_key(decided_by: Mapping[str, Any]) -> str:
    """Hex digest of what decides a result, by which its record is called."""
    return sha256(json.dumps(decided_by, sort_keys=True).encode()).hexdigest()


class Checkpoint(NamedTuple):
    """Where arrays and notes of an unfinished stage are, as `read_arrays` takes it."""

    store: Store
    name: str


class TaskRunResult(BaseModel):
    """One finished run of a stage: `state` is Completed or Cached."""

    task: str
    state: str
    seconds: float


executor: ContextVar["Executing"] = ContextVar("executor")
_running: ContextVar[tuple[str, str]] = ContextVar("running", default=("", ""))  # name and key


class Stage(Generic[P, R]):
    """A function that the `executor` of a run calls, if there is no record of its result."""

    def __init__(self, function: Callable[P, R], name: str, is_cached: bool) -> None:
        update_wrapper(self, function)
        self.fn, self.name, self.is_cached = function, name, is_cached

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The result, computed now or before."""
        bound = signature(self.fn).bind(*args, **kwargs)
        bound.apply_defaults()
        return executor.get().call(self, bound.arguments)  # type: ignore[no-any-return]

    def decided_by(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What decides the result; nothing is looked at if it is not cached."""
        return decisive(self.name, self.fn.__module__, inputs) if self.is_cached else {}

    def run_name(self, inputs: Mapping[str, Any]) -> str:
        """Its name, that of the recipe, and what it is about."""
        told = (inputs[key] for key in ("trained", "approach") if key in inputs)
        about = [_recipe.get(), *(getattr(one, "name", one) for one in told)]
        return " ".join(filter(None, [self.name, *(about if self.is_cached else ())]))


def stage(name: str) -> Callable[[Callable[P, R]], Stage[P, R]]:
    """A stage that is cached by inputs, source and library versions."""
    return lambda function: Stage(function, name, is_cached=True)


def uncached_stage(name: str) -> Callable[[Callable[P, R]], Stage[P, R]]:
    """A stage that runs each time."""
    return lambda function: Stage(function, name, is_cached=False)


def _name(record: LogRecord) -> bool:
    record.task_run_name = _running.get()[0]  # as Prefect's records have it
    return True


getLogger(RUNS).addFilter(_name)


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


@contextmanager
def running(name: str, key: str) -> Iterator[None]:
    """Within, a stage runs, whose record has a key."""
    before = _running.set((name, key))
    try:
        yield
    finally:
        _running.reset(before)


def current_store() -> Store:
    """The store of the present run."""
    return executor.get().store


def current_checkpoint() -> Checkpoint:
    """The checkpoint of the running stage, named as its record will be."""
    _, key = _running.get()
    assert key, "only a cached stage has one"
    return Checkpoint(current_store(), f"{CHECKPOINTS}/{key}")


def in_task() -> bool:
    """Whether a stage runs here, as in no worker of a study."""
    return bool(_running.get()[0])


def get_run_logger() -> Logger | LoggerAdapter[Any]:
    """The logger of the present run: Prefect's, or Python's where that does not run it."""
    calling = executor.get(None)
    if calling and calling.is_prefect:
        from prefect.logging import get_run_logger

        return get_run_logger()
    return getLogger(RUNS)
