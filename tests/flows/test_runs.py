"""Runs as processes: killed, interrupted, side by side, and in empty folders."""

import json
import os
import queue
import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from commands import Started, finish, stop_at
from conftest import shrunken

from flows.config import Config
from flows.run import exclusive
from tasks.storage.store import Store

pytestmark = pytest.mark.usefixtures("prefect_server")


def start(config: Config, *arguments: str) -> Started:
    return Started(
        *("flows/main.py", "--dataset", config.dataset, "--no-label-efficiency"),
        *("--artifacts", str(config.artifacts), "--recipes", ",".join(config.recipes)),
        *("--folds", "0", "--base-epochs", "4", "--head-epochs", "2", "--verbose", *arguments),
    )


def digests(artifacts: str) -> dict[str, str]:
    metrics = json.loads((Path(artifacts) / "reports" / "latest" / "metrics.json").read_text())
    return {f"{m['recipe']} {m['model']}": m["weights_sha256"] for m in metrics["models"]}


@pytest.fixture
def config(tiny_dataset, tmp_path) -> Config:
    return shrunken(tiny_dataset, tmp_path / "a")


def test_a_run_resumes_wherever_it_was_stopped_and_ends_with_the_same_weights(config, tiny_run):
    """Ctrl-C says from where the next run resumes, a kill says nothing; each comes further."""
    process = start(config)
    said = stop_at(process, "base: epoch 1/4", signal.SIGINT)
    assert process.returncode == 130
    assert "Traceback" not in said
    interrupted = r"^error: interrupted; the next run resumes base from epoch (\d+) of 4$"
    found = re.search(interrupted, said, re.MULTILINE)
    assert found, said
    said = kill_at("base: epoch 3/4", config)
    assert f"base: resumes after epoch {int(found[1]) - 1}/4" in said
    said = kill_at("train-base tuned - Finished", config)
    assert re.search(r"base: resumes after epoch \d+/4", said)
    kill_at("two-node: epoch 1/2", config)
    kill_at("transfer-two-node tuned - Finished", config)
    assert "base: epoch 1/4" not in finish(start(config))
    assert digests(config.artifacts) == digests(tiny_run)
    assert list((Path(config.artifacts) / "checkpoints").iterdir()) == []


def kill_at(moment: str, config: Config) -> str:
    """What a run that resumes another says until SIGKILL."""
    said = stop_at(start(config), moment, signal.SIGKILL)
    assert "base: epoch 1/4" not in said
    assert not (Path(config.artifacts) / "reports").exists()
    return said


def test_a_second_run_waits_for_the_first(config, tiny_run):
    shutil.copytree(tiny_run, config.artifacts, symlinks=True)
    with exclusive(Store(Path(config.artifacts)), 0, print):
        second = start(config)
        for line in second.stderr:
            if "is in use by" in line:
                break
    assert f"is in use by process {os.getpid()} on" in line
    assert "waiting up to 600 s" in line
    finish(second)
    assert len(list((Path(config.artifacts) / "reports").glob("*-*"))) == 2
    assert digests(config.artifacts) == digests(tiny_run)


def test_who_waits_without_a_limit_gets_the_lock_when_it_is_free(config):
    Path(config.artifacts).mkdir()
    store, said = Store(Path(config.artifacts)), queue.Queue()
    with ThreadPoolExecutor(1) as other, exclusive(store, 0, print):
        waiting = other.submit(lambda: enter(exclusive(store, None, said.put)))
        assert re.search("is in use by process .*; waiting until it ends$", said.get(timeout=60))
    assert waiting.result(timeout=60) == "entered"


def enter(lock):
    with lock:
        return "entered"


def test_a_second_run_that_may_not_wait_ends_with_one_sentence(config):
    Path(config.artifacts).mkdir()
    with exclusive(Store(Path(config.artifacts)), 0, print):
        second = start(config, "--wait", "0")
        said = second.stderr.read()
    assert second.wait() == 2
    (error,) = [line for line in said.splitlines() if line.startswith("error: ")]
    assert f"is in use by process {os.getpid()} on" in error
    assert "Traceback" not in said
