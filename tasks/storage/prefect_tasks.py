"""Stages as Prefect has them: their tasks, where it keeps records of these, how each ended."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, ClassVar, Literal, ParamSpec, TypeVar
from uuid import UUID

from prefect import Task, runtime, task
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext, TaskRunContext
from prefect.filesystems import WritableFileSystem
from prefect.serializers import Serializer
from prefect.transactions import get_transaction
from pydantic import BaseModel

from tasks.errors import FullDiskError, RemoteError
from tasks.schemas.references import Record
from tasks.storage.lookup import NotStoredError, stored
from tasks.storage.records import (
    current_store,
    decode,
    encode,
    keeping_in,
    read_record,
    write_record,
)
from tasks.storage.stages import Stage, cache_key, decisive, get_run_logger
from tasks.storage.store import Store

P = ParamSpec("P")
R = TypeVar("R")

_finished: defaultdict[UUID | None, list["TaskRunResult"]] = defaultdict(list)
_decided_by: dict[str, dict[str, Any]] = {}  # of the results of this process, by their keys


def as_task(stage: Stage[P, R]) -> Task[P, R]:
    """A task that looks for its record first, and is remembered when it has finished."""
    options: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False, **stage.how}
    function = stage.fn
    if stage.is_cached:
        function = _saying_why(stage.fn)
        options = {
            "cache_policy": CachePolicy.from_cache_key_fn(partial(_key, stage)),
            "persist_result": True,
            "cache_result_in_memory": False,
        }
    return task(
        name=stage.name,
        on_completion=[remember],
        task_run_name=lambda: stage.run_name(runtime.task_run.parameters),
        **options,
    )(function)


def _key(stage: Stage[..., Any], context: object, inputs: dict[str, Any]) -> str:
    decided_by = decisive(stage.name, stage.fn.__module__, inputs)
    key = cache_key(decided_by)
    _decided_by[key] = decided_by
    return key


def _saying_why(function: Callable[P, R]) -> Callable[P, R]:
    """The same, which first logs why it is computed, if it ran here before."""

    @wraps(function)
    def body(*args: P.args, **kwargs: P.kwargs) -> R:
        key = getattr(get_transaction(), "key", "")
        try:
            stored(current_store(), _decided_by[key])
        except NotStoredError as missing:
            if missing.stand_in:
                get_run_logger().info("runs: %s", missing)
        return function(*args, **kwargs)

    return body


class TaskRunResult(BaseModel):
    """One finished task run: `state` is Completed or Cached."""

    task: str
    state: str
    seconds: float


def remember(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> None:
    """Completion hook: remember how a task ended."""
    seconds = (state.timestamp - run.start_time).total_seconds() if run.start_time else 0.0
    name = "Cached" if state.name == "Cached" else "Completed"
    _finished[run.flow_run_id].append(TaskRunResult(task=task.name, state=name, seconds=seconds))


def finished_task_runs() -> list[TaskRunResult]:
    """The tasks of the calling task's flow run that have finished so far, in order."""
    run = TaskRunContext.get()
    return list(_finished[run.task_run.flow_run_id if run else None])


class RecordSerializer(Serializer):
    """JSON in which only subclasses of `Record` come to life; Prefect's own could load code."""

    type: Literal["digit-transfer-record"] = "digit-transfer-record"

    def dumps(self, obj: Record) -> bytes:
        """Encode a record, see `encode`."""
        return encode(obj)

    def loads(self, blob: bytes) -> Record:
        """Decode a record, see `decode`."""
        return decode(blob)


class RecordFolder(WritableFileSystem):
    """Where Prefect keeps its records: atomic on write, verifying on read."""

    _block_type_slug: ClassVar[str] = "digit-transfer-record-folder"

    address: str

    def write_path(  # type: ignore[override]  # Prefect calls it with _sync
        self, path: str, content: bytes, _sync: bool = True
    ) -> None:
        """Write a record by its key; without space or remote Prefect continues without it."""
        try:
            write_record(Store.at(self.address), path, json.loads(content), _decided_by.get(path))
        except (FullDiskError, RemoteError) as error:
            get_run_logger().warning("The next run will compute this again: %s", error)
            raise

    def read_path(self, path: str, _sync: bool = True) -> bytes:  # type: ignore[override]
        """Read a record, see `read_record`: what was checked, however else it can be read."""
        return json.dumps(read_record(Store.at(self.address), path)).encode()

    def _resolve_path(self, path: str) -> None:
        """Prefect asks for a path on this machine; where there is none, it goes by the key."""


@contextmanager
def storing_in(store: Store) -> Iterator[None]:
    """Within a flow run: tasks keep their records and artifacts in `store`."""
    run = FlowRunContext.get()
    assert run is not None, "storing_in is called inside a flow"
    folder, serializer = RecordFolder(address=store.address), RecordSerializer()
    update = {"result_storage": folder, "serializer": serializer}
    records = run.result_store.model_copy(update=update)
    with run.model_copy(update={"result_store": records}), keeping_in(store):
        yield
