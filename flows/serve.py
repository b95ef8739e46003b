"""Serve the flows: retraining on a schedule, and all of them whenever they are started in the UI.

python flows/serve.py --cron "0 3 * * *"
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from startup import begin

    begin()

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from prefect import serve
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from flows.cli import run_command
from flows.config import RetrainConfig, RunConfig, ServeCommand, as_config
from flows.main import main
from flows.pages import serve_pages
from flows.prefect_run import report_crashed
from flows.retrain import SCHEDULE, retrain, review
from flows.run import C, exclusive
from flows.study import study
from tasks.errors import InputError
from tasks.reporting.folder import PAGES
from tasks.storage.store import Store, writable_store

ADVICE = "start one with `prefect server start` and set PREFECT_API_URL=http://127.0.0.1:4200/api"
SERVED: dict[str, tuple[Any, str]] = {
    "experiment": (main, "Train the base model, transfer it, and compare."),
    "retraining": (retrain, "Train on what has arrived; use the new model if it is better."),
    "study": (study, "Transfer to many subsets of the classes, from many seeds, and compare."),
    "review": (review, "List the batches that were set aside; take in, reject or withdraw one."),
}


def serve_flows(command: ServeCommand) -> None:
    """Serve until the process is stopped, run after run; InputError without a Prefect server."""
    require_server()
    store = writable_store(command.artifacts)
    with suppress(InputError), exclusive(store, 0, lambda words: None):  # else one is alive
        report_crashed(store, "PENDING", "RUNNING")
    store.write(SCHEDULE, (command.cron or "").encode())
    if command.port:
        os.environ[PAGES] = serve_pages(store, command.port)
        print(f"Reports: {os.environ[PAGES]}", flush=True)
    deployments = []
    for name, (flow, about) in SERVED.items():
        form = {"config": absolute(as_config(command, flow.config)).filled_form()}
        cron = command.cron if flow is retrain else None
        told: dict[str, Any] = {"parameters": form, "description": about, "cron": cron}
        deployments.append(flow.flow.to_deployment(name, **told))
    # the server's own limits count the runs of a machine that lost its power, too
    serve(*deployments, limit=1)


def require_server() -> None:
    """Refuse to go on where no Prefect server answers: a run's temporary one schedules nothing."""
    address = PREFECT_API_URL.value()
    if not address:
        raise InputError(f"there is no Prefect server to serve to; {ADVICE}")
    with get_client(sync_client=True) as client:
        if client.api_healthcheck() is not None:
            raise InputError(f"no Prefect server answers at {address}; {ADVICE}")


def absolute(config: C) -> C:
    """The same, wherever a run is started from; it waits for others unless it is told not to."""
    changed: dict[str, Any] = {"artifacts": Store.at(config.artifacts).address}
    if "wait" not in config.model_fields_set:
        changed["wait"] = None
    if isinstance(config, RunConfig) and Path(config.dataset).exists():
        changed["dataset"] = str(Path(config.dataset).resolve())
    if isinstance(config, RetrainConfig) and "://" not in config.inbox:
        changed["inbox"] = str(Path(config.inbox).resolve())
    return config.model_copy(update=changed)


if __name__ == "__main__":
    sys.exit(run_command("flows/serve.py", __doc__, ServeCommand, serve_flows))
