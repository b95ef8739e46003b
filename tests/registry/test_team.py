"""Artifacts on S3 and an MLflow server: one place for several machines, each with its own cache."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from buckets import Bucket
from conftest import squares
from pydantic import ValidationError

from flows.cli import run_command
from flows.config import PredictConfig, RetrainCommand, RetrainConfig
from flows.predict import label_with_champion
from flows.retrain import act, retrain
from tasks.registry.registry import Registry
from tasks.storage.store import Store

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


@pytest.fixture
def mlflow_server(empty_registry: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a real MLflow server on this machine, which keeps the files of all runs."""
    database = shutil.copy(empty_registry / "registry/mlflow.db", tmp_path / "mlflow.db")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", f"sqlite:///{database}"]
    command += ["--artifacts-destination", str(tmp_path / "served")]
    process = subprocess.Popen(
        command,
        env=os.environ | QUIET,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert any(b"startup complete" in line for line in process.stderr)
    draining = threading.Thread(target=process.stderr.read)
    draining.start()
    yield f"http://127.0.0.1:{port}"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    draining.join()


@pytest.mark.usefixtures("prefect_server", "blank_pictures")
def test_two_machines_share_models_and_batches(
    bucket: Bucket,
    on_machine: Callable[[str], None],
    mlflow_server: str,
    tiny_dataset: Path,
    tiny_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    bucket.copy(tiny_run)  # whose base is trained
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    config = RetrainConfig(
        dataset=str(tiny_dataset),
        inbox=str(inbox),
        artifacts=bucket.address,
        registry=mlflow_server,
        model="base",
        classes=(0, 1, 2),
        base_epochs=4,
        folds=0,
        head_epochs=1,
        settle=0,
    )
    state = retrain.flow(config, return_state=True)
    assert state.message == "version 1: Promoted: there was no champion yet."
    images, labels = squares(20, seed=7)
    np.savez(inbox / "wrong.npz", images=255 - images, labels=labels)

    on_machine("second")
    state = retrain.flow(config, return_state=True)
    assert state.name == "Cached"
    place = ["--artifacts", bucket.address, "--registry", mlflow_server]
    assert run_command("x", "", RetrainCommand, act, ["status", *place]) == 0
    assert "base" in capsys.readouterr().out
    np.savez(tmp_path / "new.npz", images=images)
    output = tmp_path / "labels.csv"
    arguments = [str(tmp_path / "new.npz"), *place, "--output", str(output)]
    assert run_command("x", "", PredictConfig, label_with_champion, arguments) == 0
    found = [int(line.split(",")[1]) for line in output.read_text().splitlines()[1:]]
    assert np.mean(found == labels) >= 0.9
    assert run_command("x", "", RetrainCommand, act, ["review", *place]) == 0
    assert "wrong" in capsys.readouterr().out

    on_machine("third")
    rejected = ["reject", "wrong.npz", "--why", "a negative", *place]
    assert run_command("x", "", RetrainCommand, act, rejected) == 0, capsys.readouterr().err
    registry = Registry(Store.at(bucket.address), mlflow_server, "base")
    assert registry.champion().number == 1
    assert registry.sample(registry.champion()).shape == (100, 28, 28, 1)


def test_a_place_elsewhere_needs_a_registry_elsewhere(capsys):
    sentence = "would be a database, which needs a folder; give --registry http://..., an MLflow"
    with pytest.raises(ValidationError, match=sentence):
        RetrainConfig(artifacts="s3://bucket/prefix")
    arguments = ["a.png", "--artifacts", "s3://bucket/prefix"]
    assert run_command("flows/predict.py", "", PredictConfig, pytest.fail, arguments) == 2
    assert sentence in capsys.readouterr().err
