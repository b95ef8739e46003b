"""Ctrl-C in a terminal, SIGTERM and SIGKILL, where each command starts a server of its own."""

import re
import signal
from pathlib import Path

import psutil
import pytest
from commands import ForkedTerminal, Terminal

INTERRUPTED = re.compile(r"error: interrupted; the next run resumes [^\r\n]+\r?\n")
WITH_BASE = re.compile(r"interrupted; the next run resumes base from epoch \d+ of 500")
FIRST_IMPORTS = ("-X", "importtime")  # says so on the terminal


@pytest.fixture
def options(tiny_dataset: Path, tmp_path: Path) -> tuple[str, ...]:
    """A training that takes minutes."""
    return (
        *("--dataset", str(tiny_dataset), "--artifacts", str(tmp_path / "artifacts")),
        *("--recipes", "tuned", "--folds", "0", "--base-epochs", "500"),
    )


@pytest.mark.parametrize("command", ["main", "retrain", "study", "predict", "serve"])
def test_ctrl_c_while_a_command_imports(command, prefect_home):
    terminal = Terminal(*FIRST_IMPORTS, f"flows/{command}.py", PREFECT_HOME=str(prefect_home))
    terminal.until("pydantic")
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130
    assert INTERRUPTED.search(terminal.said)
    assert "Traceback" not in terminal.said


@pytest.mark.parametrize(
    ("begin", "command", "moment"),
    [
        (Terminal, "main", "base: epoch 2/500"),
        (ForkedTerminal, "retrain", "base: epoch 2/500"),
        (ForkedTerminal, "study", "base: epoch 2/500"),
    ],
)
def test_ctrl_c_reaches_all_processes_and_the_run_says_from_where_the_next_goes_on(
    begin, command, moment, options, prefect_home, inbox
):
    more = ("--inbox", str(inbox)) if command == "retrain" else ()
    terminal = begin(f"flows/{command}.py", *options, *more, PREFECT_HOME=str(prefect_home))
    terminal.until(moment)
    processes = [terminal.server(), *terminal.process.children(recursive=True)]
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130, terminal.said
    (said,) = INTERRUPTED.findall(terminal.said)
    assert "base" not in moment or WITH_BASE.search(said)
    assert "Traceback" not in terminal.said
    assert psutil.wait_procs(processes, timeout=10)[1] == []


def test_a_run_whose_server_has_died_ends_on_ctrl_c_all_the_same(options, prefect_home):
    terminal = ForkedTerminal("flows/main.py", *options, PREFECT_HOME=str(prefect_home))
    terminal.until("base: epoch 2/500")
    terminal.server().kill()
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130
    assert WITH_BASE.search(terminal.said)


def test_sigterm_ends_a_run_with_code_143(options, prefect_home):
    terminal = ForkedTerminal("flows/main.py", *options, PREFECT_HOME=str(prefect_home))
    terminal.until("base: epoch 2/500")
    server = terminal.server()
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.exit_code() == 143
    assert WITH_BASE.search(terminal.said)
    assert psutil.wait_procs([server], timeout=10)[1] == []


def test_a_killed_runs_server_ends_with_it(options, prefect_home):
    terminal = ForkedTerminal("flows/main.py", *options, PREFECT_HOME=str(prefect_home))
    terminal.until("reshape")
    server = terminal.server()
    terminal.process.kill()
    assert terminal.exit_code() == -signal.SIGKILL
    assert psutil.wait_procs([server], timeout=10)[1] == []


def test_ctrl_c_ends_what_serves_and_the_run_that_it_serves(options, server, inbox):
    terminal = ForkedTerminal(
        "flows/serve.py", *options, "--inbox", str(inbox), PREFECT_API_URL=server
    )
    terminal.until("being served")
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130
    assert INTERRUPTED.search(terminal.said)
