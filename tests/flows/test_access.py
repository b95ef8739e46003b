"""Who can reach a command while it runs: this machine, and nobody else."""

from pathlib import Path

import pytest
from commands import ForkedTerminal
from conftest import free_port


def listening(terminal: ForkedTerminal) -> set[tuple[str, int]]:
    """Where the processes of a command wait for others."""
    processes = [terminal.process, *terminal.process.children(recursive=True)]
    sockets = [one for process in processes for one in process.net_connections("inet")]
    return {(one.laddr.ip, one.laddr.port) for one in sockets if not one.raddr}


@pytest.fixture
def options(tiny_dataset: Path, tmp_path: Path) -> tuple[str, ...]:
    return (
        *("--dataset", str(tiny_dataset), "--artifacts", str(tmp_path / "artifacts")),
        *("--recipes", "tuned", "--folds", "0", "--base-epochs", "500"),
    )


def test_a_runs_own_server_listens_to_this_machine_alone(options, prefect_home):
    terminal = ForkedTerminal("flows/main.py", *options, PREFECT_HOME=str(prefect_home))
    terminal.until("base: epoch 2/500")
    found = listening(terminal)
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130
    assert [address for address, _ in found] == ["127.0.0.1"]


def test_what_serves_pages_listens_to_this_machine_alone(options, server, inbox):
    port = free_port()
    terminal = ForkedTerminal(
        *("flows/serve.py", *options, "--inbox", str(inbox), "--port", str(port)),
        PREFECT_API_URL=server,
    )
    terminal.until("being served")
    found = listening(terminal)
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130
    assert found == {("127.0.0.1", port)}
