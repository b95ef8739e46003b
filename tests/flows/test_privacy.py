"""Nothing about a run leaves the machine, from whichever folder it is started."""

import os
import shutil
from pathlib import Path

import pytest
from commands import ROOT, Terminal

# Python imports it at the start of each process, and so of those that a process starts, too.
WATCH = """
import os, socket

def watched(what, call):
    def noted(*arguments, **named):
        with open(os.environ["NETWORK"], "a") as file:
            file.write(f"{what} {arguments[0] if what == 'look-up' else arguments[1]}\\n")
        return call(*arguments, **named)
    return noted

socket.getaddrinfo = watched("look-up", socket.getaddrinfo)
class Socket(socket.socket):
    connect = watched("connection", socket.socket.connect)
    connect_ex = watched("connection", socket.socket.connect_ex)
socket.socket = Socket
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new home folder, which is the working directory, on a machine that is not CI."""
    for name in (
        *("DO_NOT_TRACK", "PREFECT_SERVER_ANALYTICS_ENABLED", "MLFLOW_DISABLE_TELEMETRY"),
        *("GITHUB_ACTIONS", "CI"),
    ):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    (tmp_path / "inbox").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_is_sent_and_no_identifier_made(elsewhere, tiny_dataset, tiny_run, server):
    """By a retraining, which is an experiment, whose base is trained already, and a registry."""
    shutil.copytree(tiny_run, elsewhere / "artifacts", symlinks=True)
    terminal = Terminal(
        *(
            str(ROOT / "flows" / "retrain.py"),
            "--dataset",
            str(tiny_dataset),
            "--no-label-efficiency",
        ),
        *(
            "--recipes",
            "tuned",
            "--folds",
            "0",
            "--base-epochs",
            "4",
            "--head-epochs",
            "1",
            "--classes",
            "0,1,2",
        ),
        HOME=str(elsewhere),
        PREFECT_API_URL=server,
        NETWORK=str(elsewhere / "network"),
        PYTHONPATH=os.pathsep.join([str(elsewhere), os.environ.get("PYTHONPATH", "")]),
        cwd=str(elsewhere),
    )
    assert terminal.exit_code() == 0, terminal.said
    said = (elsewhere / "network").read_text().splitlines()
    assert said
    assert [line for line in said if not is_local(line)] == []
    assert "telemetry" not in terminal.said.lower()
    assert "usage data" not in terminal.said.lower()
    assert [path for path in elsewhere.rglob("*") if "telemetry" in path.name] == []
    assert len(list((elsewhere / "artifacts" / "reports").glob("*-*"))) == 2


def is_local(line: str) -> bool:
    return "127.0.0.1" in line or "localhost" in line or line.startswith("connection /")
