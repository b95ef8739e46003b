"""Stages: functions that are a task of Prefect's, and where nothing may run, what it stored."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, update_wrapper
from hashlib import sha256
from importlib.metadata import version
from inspect import signature
from logging import Logger, LoggerAdapter
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar

from tasks.schemas.references import identity
from tasks.storage.source import source_digests

if TYPE_CHECKING:
    from prefect import Task

P = ParamSpec("P")
R = TypeVar("R")

LIBRARIES = ("keras", "tensorflow", "numpy")

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
        "versions": {library: version(library) for library in LIBRARIES},
    }


def cache_key(decided_by: Mapping[str, Any]) -> str:
    """Hex digest of what decides a result, by which its record is called."""
    return sha256(json.dumps(decided_by, sort_keys=True).encode()).hexdigest()


class Lookup(Protocol):
    """What answers in the place of a stage where nothing may run."""

    log: Logger

    def answer(self, stage: "Stage[..., Any]", inputs: Mapping[str, Any]) -> Any:
        """The stage's result for these inputs."""


lookup: ContextVar[Lookup | None] = ContextVar("lookup", default=None)


class Stage(Generic[P, R]):
    """A function that is called as a task of Prefect's, unless a `lookup` answers for it."""

    def __init__(
        self, function: Callable[P, R], name: str, is_cached: bool, how: Mapping[str, Any]
    ) -> None:
        """`how` has more of Prefect's options of a task."""
        update_wrapper(self, function)
        self.fn, self.name, self.is_cached, self.how = function, name, is_cached, how
        self.find: Callable[P, R] | None = None

    @cached_property
    def task(self) -> "Task[P, R]":
        """Prefect's, whose import takes a second."""
        from tasks.storage.prefect_tasks import as_task

        return as_task(self)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The result, of whichever."""
        looking = lookup.get()
        if looking is None:
            return self.task(*args, **kwargs)
        bound = signature(self.fn).bind(*args, **kwargs)
        bound.apply_defaults()
        return looking.answer(self, bound.arguments)  # type: ignore[no-any-return]

    def found_by(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorator: what finds an earlier result of a stage that is not cached, or raises."""
        self.find = function
        return function

    def run_name(self, inputs: Mapping[str, Any]) -> str:
        """Its name, that of the recipe, and what it is about."""
        told = (inputs[key] for key in ("trained", "approach") if key in inputs)
        about = [_recipe.get(), *(getattr(one, "name", one) for one in told)]
        return " ".join(filter(None, [self.name, *(about if self.is_cached else ())]))


def stage(name: str) -> Callable[[Callable[P, R]], Stage[P, R]]:
    """A stage that is cached by inputs, source and library versions."""
    return lambda function: Stage(function, name, True, {})


def uncached_stage(name: str, **how: Any) -> Callable[[Callable[P, R]], Stage[P, R]]:
    """A stage that runs each time, with Prefect's options."""
    return lambda function: Stage(function, name, False, how)


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


def in_task() -> bool:
    """Whether a task runs here, as in no worker of a study."""
    context = sys.modules.get("prefect.context")
    return context is not None and context.TaskRunContext.get() is not None


def get_run_logger() -> "Logger | LoggerAdapter[Any]":
    """The logger of the present run: Prefect's, or that of a lookup."""
    looking = lookup.get()
    if looking:
        return looking.log
    from prefect.logging import get_run_logger

    return get_run_logger()
