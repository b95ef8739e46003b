"""Flows in processes of their own, which give their memory back."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings

from tasks.trials.processes import kill_processes, one_process, submit


def call_in_a_process(flow: Callable[[Any], Any], config: Any) -> None:
    """Run a flow in another process, on the server that this one uses, and wait for its end.

    Raises:
        Exception: Whatever the flow raised.
        BrokenProcessPool: The process was killed.
    """
    with _settings_in_the_environment():
        process = one_process()
        try:
            submit(process, flow, config).result()
        finally:
            kill_processes()
            process.shutdown()


@contextmanager
def _settings_in_the_environment() -> Iterator[None]:
    """What a new process needs to find the server, which may be a temporary one."""
    before = dict(os.environ)
    with get_client(sync_client=True) as client:
        address = str(client.api_url)
    os.environ |= get_current_settings().to_environment_variables(exclude_unset=True)
    os.environ["PREFECT_API_URL"] = address
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before
