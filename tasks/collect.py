"""Collect: the labelled batches that have arrived since the last run."""

from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun

from tasks.arrivals.arrivals import Arrivals, take_in
from tasks.errors import ReadableError
from tasks.schemas.images import LabelledImages
from tasks.storage.records import current_store
from tasks.storage.stages import uncached_stage


def _may_pass(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:
    """Storage may answer the next time; what is wrong with an input stays wrong."""
    return not isinstance(state.result(raise_on_failure=False), ReadableError)


@uncached_stage("collect", retries=2, retry_delay_seconds=[2, 10], retry_condition_fn=_may_pass)
def collect(inbox: str, base: LabelledImages, settle: float, hold_out: float) -> Arrivals:
    """Take in what lies in the inbox; never cached, see `take_in`."""
    return take_in(inbox, base, current_store(), settle, hold_out)
