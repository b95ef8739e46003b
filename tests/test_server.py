"""Against a real Prefect server on a free loopback port."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
from prefect.deployments import run_deployment
from prefect.settings import PREFECT_API_URL, temporary_settings

ROOT = Path(__file__).parents[1]


def test_the_flow_runs_against_a_server_and_shows_its_report(server, tiny_dataset, tmp_path):
    subprocess.run(
        [
            *(sys.executable, "flows/main.py", "--dataset", str(tiny_dataset)),
            *("--base-epochs", "4", "--head-epochs", "1", "--recipes", "tuned"),
            *("--artifacts", str(tmp_path), "--no-study"),
        ],
        cwd=ROOT,
        env=os.environ | {"PREFECT_API_URL": server},
        check=True,
    )
    runs = httpx.post(f"{server}/flow_runs/filter", json={}).json()
    assert [(run["state_name"], run["parameters"]["config"]["seed"]) for run in runs] == [
        ("Completed", 0)
    ]
    found = httpx.post(f"{server}/artifacts/filter", json={}).json()
    artifacts = {artifact["key"]: artifact for artifact in found}
    trainings = {"training-base", "training-two-node", "training-one-node"}
    assert artifacts.keys() == {"report", "comparison", "report-file"} | trainings
    assert {artifacts[training]["data"] for training in trainings} == {100.0}
    verdict = json.loads((tmp_path / "reports" / "latest" / "metrics.json").read_text())["verdict"]
    assert verdict[0]["claim"] in artifacts["report"]["data"]
    table = json.loads(artifacts["comparison"]["data"])
    assert [row["model"] for row in table] == ["base", "two-node", "one-node"]
    assert "/report.html" in artifacts["report-file"]["data"]
    assert httpx.get(f"{server}/admin/settings").json()["server"]["analytics_enabled"] is False


def test_a_served_experiment_runs_when_asked_and_refuses_what_is_wrong(
    server, tiny_dataset, tmp_path, monkeypatch
):
    monkeypatch.setenv("PREFECT_API_URL", server)
    process = subprocess.Popen(
        [
            *(sys.executable, "flows/serve.py", "--cron", "0 3 * * *", "--dataset"),
            *(str(tiny_dataset), "--base-epochs", "4", "--head-epochs", "1", "--no-study"),
            *("--recipes", "tuned", "--artifacts", str(tmp_path)),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert any("experiment" in line for line in process.stdout)  # once it is served
        deployment = httpx.get(f"{server}/deployments/name/digit-transfer/experiment").json()
        assert [one["schedule"]["cron"] for one in deployment["schedules"]] == ["0 3 * * *"]
        assert deployment["global_concurrency_limit"]["limit"] == 1
        wrong = {"parameters": {"config": {"seed": -1}}}
        address = f"{server}/deployments/{deployment['id']}/create_flow_run"
        refused = httpx.post(address, json=wrong)
        assert (refused.status_code, "-1 is less than the minimum of 0" in refused.text) == (
            409,
            True,
        )
        temporary = temporary_settings({PREFECT_API_URL: server})
        with temporary:
            run = run_deployment("digit-transfer/experiment", timeout=240, poll_interval=1)
        assert run.state.name == "Completed"
        assert (tmp_path / "reports" / "latest" / "report.html").is_file()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    paused = httpx.get(f"{server}/deployments/name/digit-transfer/experiment").json()["paused"]
    assert paused
