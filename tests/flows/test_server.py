"""Against a real Prefect server on a free loopback port."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def first(server, tiny_dataset, tmp_path_factory) -> tuple[Path, str]:
    """The artifacts of a run for which nothing was cached, and what it said."""
    folder = tmp_path_factory.mktemp("artifacts")
    return folder, run(server, tiny_dataset, folder)


def run(server: str, dataset: Path, artifacts: Path) -> str:
    """What a run says, and among it what it imports."""
    finished = subprocess.run(
        [
            *(sys.executable, "-X", "importtime"),
            *("flows/main.py", "--dataset", str(dataset), "--recipes", "tuned"),
            *("--folds", "0", "--base-epochs", "4", "--head-epochs", "2", "--no-label-efficiency"),
            *("--artifacts", str(artifacts)),
        ],
        cwd=ROOT,
        env=os.environ | {"PREFECT_API_URL": server},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stderr


def test_two_runs_in_empty_folders_end_with_the_same_weights(first, tiny_run):
    """One in a process of its own, the other in that of the tests."""
    digests = [weights(artifacts) for artifacts in (first[0], tiny_run)]
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == 3


def weights(artifacts: Path) -> list[str]:
    metrics = json.loads((artifacts / "reports" / "latest" / "metrics.json").read_text())
    return [model["weights_sha256"] for model in metrics["models"]]


def test_the_flow_runs_against_a_server_and_shows_its_report(server, first):
    folder, _ = first
    newest = {"sort": "START_TIME_DESC"}  # of the 200 runs that an answer has at most
    runs = httpx.post(f"{server}/flow_runs/filter", json=newest).json()
    of_this_test = {run["parameters"].get("config", {}).get("artifacts"): run for run in runs}
    run = of_this_test[str(folder)]  # the server is shared with tests that serve runs
    assert (run["state_name"], run["parameters"]["config"]["seed"]) == ("Completed", 0)
    of_run = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    found = httpx.post(f"{server}/artifacts/filter", json=of_run).json()
    artifacts = {artifact["key"]: artifact for artifact in found}
    assert artifacts.keys() == {"report"}
    assert artifacts["report"]["task_run_id"] is None  # those of tasks stand below it
    verdict = json.loads((folder / "reports" / "latest" / "metrics.json").read_text())["verdict"]
    assert verdict[0]["claim"] in artifacts["report"]["data"]
    rows = [
        line.split(" | ")[1]
        for line in artifacts["report"]["data"].splitlines()
        if line.startswith("| tuned")
    ]
    assert rows == ["base", "two-node", "one-node"]
    newest = (folder / "reports" / "latest").resolve().name
    assert f"`{folder}/reports/{newest}/report.html`" in artifacts["report"]["data"]
    assert run["name"].startswith("tiny.npz, tuned, 20")
    assert httpx.get(f"{server}/admin/settings").json()["server"]["analytics_enabled"] is False


def test_a_cached_run_does_not_import_tensorflow(server, first, tiny_dataset):
    folder, said = first
    texts = (said, run(server, tiny_dataset, folder))
    imported = [re.findall(r"\| +tensorflow\n", text) for text in texts]
    assert [len(found) for found in imported] == [1, 0]
    assert "base: epoch 4/4, loss" in said
