"""Against a real Prefect server on a free loopback port."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]


def test_the_flow_runs_against_a_server_and_shows_its_report(server, tiny_dataset, tmp_path):
    subprocess.run(
        [
            *(sys.executable, "flows/main.py", "--dataset", str(tiny_dataset)),
            *("--base-epochs", "4", "--head-epochs", "1", "--recipes", "tuned"),
            *("--artifacts", str(tmp_path), "--no-label-efficiency"),
        ],
        cwd=ROOT,
        env=os.environ | {"PREFECT_API_URL": server},
        check=True,
    )
    runs = httpx.post(f"{server}/flow_runs/filter", json={}).json()
    of_this_test = {run["parameters"].get("config", {}).get("artifacts"): run for run in runs}
    run = of_this_test[str(tmp_path)]  # the server is shared with tests that serve runs
    assert (run["state_name"], run["parameters"]["config"]["seed"]) == ("Completed", 0)
    of_run = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    found = httpx.post(f"{server}/artifacts/filter", json=of_run).json()
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
