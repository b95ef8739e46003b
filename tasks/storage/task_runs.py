"""Which tasks of a run were computed and which came from the cache, and how long each took."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from pydantic import BaseModel

_finished: defaultdict[UUID | None, list["TaskRunResult"]] = defaultdict(list)


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


def finished_task_runs(flow_run_id: UUID | None) -> list[TaskRunResult]:
    """The tasks of a flow run that have finished so far, in order."""
    return list(_finished[flow_run_id])
