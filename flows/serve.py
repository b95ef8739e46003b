"""Serve the experiment: on a schedule, and whenever it is started in the Prefect UI.

python flows/serve.py --cron "0 3 * * *"
"""

import sys
from pathlib import Path
from typing import Any, ClassVar

from prefect import serve
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.client.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL
from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from flows.command_line import Arguments, call_with_settings
from flows.config import Config
from flows.main import main
from tasks.errors import InputError

START_ONE = (
    "start one with `prefect server start` and set PREFECT_API_URL=http://127.0.0.1:4200/api"
)


class ServeArguments(Arguments):
    """Serve the experiment with these settings to a Prefect server, until Ctrl-C.

    The settings are those of a scheduled run, and the defaults of the form in the UI.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        cli_prog_name="python flows/serve.py"
    )

    cron: str | None = Field(
        default=None,
        description="When to run, as in '0 3 * * *', in UTC; without it, when it is asked to.",
    )

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, cron: str | None) -> str | None:
        return cron and CronSchedule(cron=cron).cron


def serve_experiment(arguments: ServeArguments) -> None:
    """Serve until the process is stopped; one run at a time, later ones wait for it.

    Raises:
        InputError: There is no Prefect server.
    """
    require_server()
    deployment: Any = main.to_deployment(
        "experiment",
        cron=arguments.cron,
        parameters={"config": absolute(arguments.config()).model_dump(mode="json")},
        concurrency_limit=ConcurrencyLimitConfig(limit=1),
        description="Train the base model, transfer it, and compare.",
    )
    serve(deployment)


def require_server() -> None:
    """Make sure that a Prefect server answers: the temporary one of a run schedules nothing.

    Raises:
        InputError: None is set, or it does not answer.
    """
    address = PREFECT_API_URL.value()
    if not address:
        raise InputError(f"there is no Prefect server to serve to; {START_ONE}")
    with get_client(sync_client=True) as client:
        if client.api_healthcheck() is not None:
            raise InputError(f"no Prefect server answers at {address}; {START_ONE}")


def absolute(config: Config) -> Config:
    """The same, wherever a run is started from."""
    changed: dict[str, Any] = {"artifacts": config.artifacts.resolve()}
    if Path(config.dataset).exists():
        changed["dataset"] = str(Path(config.dataset).resolve())
    return config.model_copy(update=changed)


if __name__ == "__main__":
    sys.exit(call_with_settings(ServeArguments, serve_experiment))
