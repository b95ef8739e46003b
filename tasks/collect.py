"""Collect: the labelled batches that have arrived since the last run."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect import Task
from prefect.client.schemas.objects import State, TaskRun

from tasks.arrivals.arrivals import Arrivals, pixels, take_in
from tasks.arrivals.known import Embed
from tasks.errors import ReadableError
from tasks.networks.inference import Model, run
from tasks.networks.models import read_model
from tasks.registry.registry import Registry
from tasks.schemas.images import LabelledImages, with_channel
from tasks.storage.records import current_store
from tasks.storage.stages import uncached_stage


def _may_pass(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:
    """Storage may answer the next time; what is wrong with an input stays wrong."""
    return not isinstance(state.result(raise_on_failure=False), ReadableError)


@uncached_stage("collect", retries=2, retry_delay_seconds=[2, 10], retry_condition_fn=_may_pass)
def collect(
    registry: Registry, inbox: str, base: LabelledImages, settle: float, hold_out: float
) -> Arrivals:
    """Take in what lies in the inbox, seen by the champion; never cached, see `take_in`."""
    return take_in(inbox, base, current_store(), settle, hold_out, champions_view(registry))


def champions_view(registry: Registry) -> Embed:
    """The features of the champion's backbone, which is read when they are needed first."""
    champion = registry.champion()
    if champion is None:
        return pixels

    @cache
    def backbone() -> Model:
        return read_model(registry.network_path(champion)).get_layer("backbone")

    def embed(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return run(backbone(), images.reshape(with_channel(images.shape)))

    return embed
