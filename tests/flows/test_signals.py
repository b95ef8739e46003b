"""Ctrl-C in a terminal and SIGTERM, with a Prefect server and without."""

import re
import signal
import socket
from contextlib import suppress
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import psutil
import pytest
from commands import ForkedTerminal, Terminal

INTERRUPTED = re.compile(r"error: interrupted; the next run resumes [^\r\n]+\r?\n")
WITH_BASE = re.compile(r"interrupted; the next run resumes base from epoch \d+ of 500")
FIRST_IMPORTS = ("-X", "importtime")  # says so on the terminal


class Forwarder:
    """A port from which all goes on to another one, until it dies and answers nobody."""

    def __init__(self, to: int) -> None:
        self._to, self._open = to, list[socket.socket]()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def die(self) -> None:
        for one in (self._listening, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ends = (
                    self._listening.accept()[0],
                    socket.create_connection(("127.0.0.1", self._to)),
                )
                self._open += ends
                for one, other in (ends, ends[::-1]):
                    Thread(target=self._forward, args=(one, other), daemon=True).start()

    def _forward(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while found := one.recv(65536):
                other.sendall(found)
            other.shutdown(socket.SHUT_WR)


@pytest.fixture
def options(tiny_dataset: Path, tmp_path: Path) -> tuple[str, ...]:
    """A training that takes minutes."""
    return (
        *("--dataset", str(tiny_dataset), "--artifacts", str(tmp_path / "artifacts")),
        *("--recipes", "tuned", "--folds", "0", "--base-epochs", "500"),
    )


@pytest.mark.parametrize("command", ["main", "retrain", "study", "predict", "serve"])
def test_ctrl_c_while_a_command_imports(command):
    terminal = Terminal(*FIRST_IMPORTS, f"flows/{command}.py")
    terminal.until("pydantic")
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130
    assert INTERRUPTED.search(terminal.said)
    assert "Traceback" not in terminal.said


@pytest.mark.parametrize(
    ("begin", "command", "is_by_prefect"),
    [
        (Terminal, "main", False),
        (ForkedTerminal, "main", True),
        (ForkedTerminal, "retrain", False),
        (ForkedTerminal, "study", False),
    ],
)
def test_ctrl_c_reaches_all_processes_and_the_run_says_from_where_the_next_goes_on(
    begin, command, is_by_prefect, options, server, inbox
):
    more = ("--inbox", str(inbox)) if command == "retrain" else ()
    address = {"PREFECT_API_URL": server} if is_by_prefect else {}
    terminal = begin(f"flows/{command}.py", *options, *more, **address)
    terminal.until("base: epoch 2/500")
    processes = terminal.process.children(recursive=True)
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130, terminal.said
    (said,) = INTERRUPTED.findall(terminal.said)
    assert WITH_BASE.search(said)
    assert "Traceback" not in terminal.said
    assert psutil.wait_procs(processes, timeout=10)[1] == []


def test_a_run_whose_server_has_died_ends_on_ctrl_c_all_the_same(options, server):
    between = Forwarder(urlsplit(server).port)
    address = f"http://127.0.0.1:{between.port}/api"
    terminal = ForkedTerminal("flows/main.py", *options, PREFECT_API_URL=address)
    terminal.until("base: epoch 2/500")
    between.die()
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130
    assert WITH_BASE.search(terminal.said)


def test_sigterm_ends_a_run_with_code_143(options):
    terminal = ForkedTerminal("flows/main.py", *options)
    terminal.until("base: epoch 2/500")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.exit_code() == 143
    assert WITH_BASE.search(terminal.said)


def test_ctrl_c_ends_what_serves_and_the_run_that_it_serves(options, server, inbox):
    terminal = ForkedTerminal(
        "flows/serve.py", *options, "--inbox", str(inbox), PREFECT_API_URL=server
    )
    terminal.until("being served")
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130
    assert INTERRUPTED.search(terminal.said)
