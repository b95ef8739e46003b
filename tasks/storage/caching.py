"""When a task is Cached: same inputs, same source, same library versions."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import CachePolicy
from prefect.context import TaskRunContext

from tasks.storage.ledger import note_outcome
from tasks.storage.references import identity
from tasks.storage.source import source_sha256

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Identities(CachePolicy):
    """The identity of every input, so that a moved or re-made file with equal content hits."""

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str:
        """Hex digest of the inputs by name."""
        named = {name: identity(value) for name, value in inputs.items()}
        return sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()


@dataclass
class ProjectSource(CachePolicy):
    """The source of the task's module and of every project module it imports, transitively."""

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str:
        """The task's name and its source's digest."""
        return f"{task_ctx.task.name} {source_sha256(task_ctx.task.fn.__module__)}"


@dataclass
class LibraryVersions(CachePolicy):
    """The versions of the libraries that decide what an array or a model becomes."""

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str:
        """Names and versions, read without importing the libraries."""
        return library_versions()


@cache
def library_versions() -> str:
    """Versions of Keras, TensorFlow and NumPy."""
    return " ".join(f"{name}={version(name)}" for name in ("keras", "tensorflow", "numpy"))


def stage(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A Prefect task that is cached by inputs, source and library versions."""
    return task(
        name=name,
        task_run_name=name,
        cache_policy=Identities() + ProjectSource() + LibraryVersions(),
        persist_result=True,
        cache_result_in_memory=False,
        on_completion=[note_outcome],
    )
