"""A flow of this project: told one configuration, and if it fails, in one sentence."""

from collections.abc import Callable
from tempfile import TemporaryFile
from typing import Any, ParamSpec, TypeVar, get_type_hints

from prefect import Flow
from prefect.settings import PREFECT_API_URL, PREFECT_HOME
from pydantic import ValidationError

from flows.failure import leave_reason
from flows.run import keep_log_readable
from flows.wrong_settings import sentence
from tasks.errors import InputError
from tasks.storage.space import space_for

PREFECTS_BYTES = 16_000_000  # of a new database and its log, measured: 6 million

P = ParamSpec("P")
R = TypeVar("R")


class PipelineFlow(Flow[P, R]):
    """A flow whose only parameter is `config`."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:  # type: ignore[override]
        """Run it; on the command line, this starts Prefect's temporary server first."""
        require_space_for_prefect()
        return super().__call__(*args, **kwargs)

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


def require_space_for_prefect() -> None:
    """Make sure that a temporary server can write, as one that cannot ends in tracebacks.

    Its database would even be broken for ever if the disk were full while it is made.

    Raises:
        FullDiskError: It cannot.
    """
    if PREFECT_API_URL.value():
        return
    home = PREFECT_HOME.value()
    with space_for(home / "prefect.db"):
        home.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=home) as probe:
            probe.write(bytes(PREFECTS_BYTES))
            probe.flush()


def pipeline_flow(name: str) -> Callable[[Callable[P, R]], PipelineFlow[P, R]]:
    """Decorator: a flow that leaves the reason where it fails."""

    def decorate(function: Callable[P, R]) -> PipelineFlow[P, R]:
        return PipelineFlow(
            function, name=name, on_failure=[leave_reason], on_crashed=[leave_reason]
        )

    return decorate
