"""When a task is Cached: same inputs, same source, same library versions."""

import json
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import CachePolicy
from prefect.context import TaskRunContext

from tasks.schemas.references import identity
from tasks.storage.source import source_sha256
from tasks.storage.task_runs import record_task_run

P = ParamSpec("P")
R = TypeVar("R")

LIBRARIES = ("keras", "tensorflow", "numpy")


def inputs_key(context: TaskRunContext, inputs: dict[str, Any]) -> str:
    """A digest of every input's identity: a moved or re-made file of equal content hits."""
    return inputs_sha256(inputs)


def source_key(context: TaskRunContext, inputs: dict[str, Any]) -> str:
    """The task's name, and a digest of its module and of all that the module imports."""
    return f"{context.task.name} {source_sha256(context.task.fn.__module__)}"


def libraries_key(context: TaskRunContext, inputs: dict[str, Any]) -> str:
    """The versions that decide what arrays and models become."""
    return library_versions()


def inputs_sha256(inputs: dict[str, Any]) -> str:
    """Hex digest of the identities of named inputs."""
    named = {name: identity(value) for name, value in inputs.items()}
    return sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()


def library_versions() -> str:
    """Those of `LIBRARIES`, read without importing them."""
    return " ".join(f"{name}={version(name)}" for name in LIBRARIES)


INPUTS = CachePolicy.from_cache_key_fn(inputs_key)
SOURCE = CachePolicy.from_cache_key_fn(source_key)
LIBRARY_VERSIONS = CachePolicy.from_cache_key_fn(libraries_key)


def stage(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A Prefect task that is cached by inputs, source and library versions."""
    return task(
        name=name,
        task_run_name=name,
        cache_policy=INPUTS + SOURCE + LIBRARY_VERSIONS,
        persist_result=True,
        cache_result_in_memory=False,
        on_completion=[record_task_run],
    )
