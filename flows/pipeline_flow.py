"""A flow of this project: told one configuration, and if it fails, in one sentence."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, get_type_hints

from prefect import Flow
from prefect._internal import analytics
from pydantic import ValidationError

from flows.alive import reported_alive
from flows.config import RunConfig
from flows.failure import leave_reason
from flows.run import keep_log_readable
from flows.wrong_settings import sentence
from tasks.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=RunConfig)


class PipelineFlow(Flow[P, R]):
    """A flow whose only parameter is `config`."""

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """What Prefect calls first, with what a person put into the form.

        Raises:
            InputError: The configuration is wrong in what its JSON schema cannot say.
        """
        keep_log_readable()
        kind = get_type_hints(self.fn)["config"]
        try:
            return {"config": kind.model_validate(parameters["config"])}
        except ValidationError as error:
            raise InputError(sentence(error)) from None


def pipeline_flow(name: str) -> Callable[[Callable[[C], R]], PipelineFlow[[C], R]]:
    """Decorator: a flow that leaves the reason where it fails."""

    def decorate(function: Callable[[C], R]) -> PipelineFlow[[C], R]:
        @wraps(function)
        def run(config: C) -> R:
            with reported_alive(config.artifacts):
                return function(config)

        # Prefect makes an identifier for a terminal's first flow, even where it may tell nothing
        analytics.try_mark_milestone = lambda milestone: False
        return PipelineFlow(run, name=name, on_failure=[leave_reason], on_crashed=[leave_reason])

    return decorate
