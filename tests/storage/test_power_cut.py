"""A machine that loses its power: server, `flows/serve.py` and a run are killed together."""

from pathlib import Path

import httpx
import psutil
import pytest
from commands import ForkedTerminal
from conftest import free_port, start_server


def kill(process: psutil.Process) -> None:
    for one in [process, *process.children(recursive=True)]:
        one.kill()


@pytest.fixture
def options(tiny_dataset: Path, tmp_path: Path, inbox: Path) -> tuple[str, ...]:
    return (
        *("flows/serve.py", "--dataset", str(tiny_dataset), "--inbox", str(inbox)),
        *("--artifacts", str(tmp_path / "artifacts"), "--recipes", "tuned"),
        *("--folds", "0", "--base-epochs", "500", "--head-epochs", "1", "--port", "0"),
    )


def start_run(api: str, state: str = "SCHEDULED") -> str:
    path = "deployments/name/digit-transfer/experiment"
    deployment = httpx.get(f"{api}/{path}").json()["id"]
    begun = {"state": {"type": state}}
    for _ in range(100):  # a server whose database is busy says so
        answer = httpx.post(f"{api}/deployments/{deployment}/create_flow_run", json=begun)
        if answer.is_success:
            return answer.json()["id"]
    raise AssertionError(answer.text)


def state_of(api: str, run: str) -> tuple[str, str]:
    """Its name and message."""
    state = httpx.get(f"{api}/flow_runs/{run}").json()["state"]
    return state["name"], state["message"] or ""


def test_the_next_run_begins_and_the_dead_one_is_shown_as_crashed(options, prefect_home):
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    often = {"PREFECT_RUNNER_POLL_FREQUENCY": "1"}  # ten seconds by itself
    environment = {"PREFECT_API_URL": api, "COLUMNS": "200"} | often
    server = start_server(prefect_home, port)
    served = ForkedTerminal(*options, **environment)
    served.until("being served")
    first = start_run(api)
    served.until("base: epoch 2/500")
    second = start_run(api)
    assert state_of(api, first) == ("Running", "")
    submitted = start_run(api, "PENDING")  # one whose process did not begin
    for process in (psutil.Process(server.pid), served.process):
        kill(process)
    served.exit_code()
    server.wait()

    server = start_server(prefect_home, port)
    served = ForkedTerminal(*options, **environment)
    served.until("being served")
    said = "Its process was killed; the next run resumes what it was at."
    assert {state_of(api, run) for run in (first, submitted)} == {("Crashed", said)}
    served.until("base: resumes after epoch")
    assert state_of(api, second) == ("Running", "")
    served.press_ctrl_c()
    assert served.exit_code() == 130
    server.terminate()
    server.wait()
