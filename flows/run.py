"""A flow of this project: as Prefect runs it, and what it comes to where all of it is stored."""

import sys
from collections.abc import Callable
from functools import cached_property, update_wrapper
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, get_type_hints

from flows.config import RunConfig, StoringConfig
from flows.terminal import StageLines
from tasks.data.read import find_source
from tasks.data.source import Source
from tasks.errors import InputError
from tasks.load import load
from tasks.schemas.images import LabelledImages
from tasks.storage.lookup import NotStoredError, Row, looking_in
from tasks.storage.stages import get_run_logger
from tasks.storage.store import Store

if TYPE_CHECKING:
    from prefect import Flow

R = TypeVar("R")
C = TypeVar("C", bound=StoringConfig)
D = TypeVar("D", bound=RunConfig)


class Ended(NamedTuple):
    """How a flow ended, with the name of a state of its own, and in a sentence."""

    message: str
    state: str = "Completed"


class PipelineFlow(Generic[C, R]):
    """A flow whose only parameter is `config`, alone on the artifacts; called, Prefect runs it."""

    def __init__(self, function: Callable[[C], R], name: str) -> None:
        update_wrapper(self, function)
        self.fn, self.name = function, name

    @property
    def config(self) -> type[C]:
        """What the flow is told."""
        return get_type_hints(self.fn)["config"]  # type: ignore[no-any-return]

    @cached_property
    def flow(self) -> "Flow[[C], R]":
        """Prefect's, whose import takes a second."""
        from flows.prefect_run import as_flow

        return as_flow(self)

    def __call__(self, config: C, **how: Any) -> R:
        """Run it; InputError for what is wrong with the configuration or the data."""
        return self.flow(config, **how)  # type: ignore[return-value]

    def is_stored(self, config: C) -> bool:
        """Say what the run came to before, if all that it consists of is stored."""
        if getattr(config, "refresh", False):
            return False
        with looking_in(Store.at(config.artifacts), explains=False) as found:
            try:
                self.fn(config)
            except NotStoredError:
                return False
        print("Nothing has changed, so nothing runs.", file=sys.stderr)
        lines = StageLines()
        for record in found.said.buffer:
            lines.handle(record)
        lines.close()
        return True

    def explain(self, config: C) -> list[Row]:
        """What would become of each stage, as far as can be told without running one."""
        with looking_in(Store.at(config.artifacts), explains=True) as found:
            try:
                self.fn(config)
            except NotStoredError:
                pass
            except InputError:
                if not any(row.fate == "runs" for row in found.rows):
                    raise  # else it is of a former result that stood in
        return found.rows


def pipeline_flow(name: str) -> Callable[[Callable[[C], R]], PipelineFlow[C, R]]:
    """Decorator: a flow with this name."""
    return lambda function: PipelineFlow(function, name)


def load_data(config: D, seed: int) -> tuple[Source, LabelledImages, D]:
    """Where a run's images are from, these, and its configuration fitted to them; or InputError."""
    source = find_source(config.dataset, seed, config.reading)
    if source.notice:
        get_run_logger().warning(source.notice)
    data = load(source)
    return source, data, config.fitted_to(source, data)
