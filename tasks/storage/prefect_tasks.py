"""Stages as tasks of Prefect's."""

from collections.abc import Mapping
from functools import cache, wraps
from typing import Any

from prefect import Task, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.storage.execution import CACHED, Executing
from tasks.storage.stages import Stage, executor


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
