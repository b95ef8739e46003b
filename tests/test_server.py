"""Against a real Prefect server on a free loopback port."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API's address of a server that was started as a user starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("prefect")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "prefect", "server", "start"),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        cwd=ROOT,
        env=os.environ | {"PREFECT_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        # the transport tries again, at growing intervals, until the server listens
        with httpx.Client(transport=httpx.HTTPTransport(retries=8), timeout=60) as client:
            client.get(f"http://127.0.0.1:{port}/api/health").raise_for_status()
        yield f"http://127.0.0.1:{port}/api"
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_the_flow_runs_against_a_server_and_shows_its_report(server, tiny_dataset, tmp_path):
    subprocess.run(
        [
            *(sys.executable, "flows/main.py", "--dataset", str(tiny_dataset)),
            *("--base-epochs", "4", "--head-epochs", "1", "--recipes", "tuned"),
            *("--artifacts", str(tmp_path)),
        ],
        cwd=ROOT,
        env=os.environ | {"PREFECT_API_URL": server},
        check=True,
    )
    runs = httpx.post(f"{server}/flow_runs/filter", json={}).json()
    assert [(run["state_name"], run["parameters"]["config"]["seed"]) for run in runs] == [
        ("Completed", 0)
    ]
    artifacts = httpx.post(f"{server}/artifacts/filter", json={}).json()
    assert {artifact["key"] for artifact in artifacts} == {"report", "comparison"}
    markdown = next(artifact["data"] for artifact in artifacts if artifact["key"] == "report")
    assert markdown == (tmp_path / "reports" / "latest" / "report.md").read_text()
    assert httpx.get(f"{server}/admin/settings").json()["server"]["analytics_enabled"] is False
