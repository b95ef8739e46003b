"""The project's commands as processes, which are listened to, stopped, and waited for."""

import atexit
import multiprocessing
import os
import pty
import runpy
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from typing import Any, TextIO

import prefect.settings
import psutil
import pytest
from prefect.settings import temporary_settings

from tasks.trials import processes

ROOT = Path(__file__).parents[1]
# of the flows, and of what the registry's tests fork: the first to fork decides for a worker
PRELOADED = [
    *("flows.serve", "flows.predict", "keras", "tasks.networks.attempts", "pytest"),
    *("scipy.stats", "scipy.optimize", "alembic.command", "tasks.registry.registry"),
    *("mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store"),
]
TAKEN_OVER = ("PREFECT_API_URL", "PREFECT_HOME")  # settings that tests change


def forkserver() -> ForkServerContext:
    """Forks processes that start anew, but for their imports."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


class Started:
    """A script of the project on the tests' Prefect server, as a process forked with its imports.

    They take longer than all that the tests wait for. `Terminal` is how a user starts one.
    """

    def __init__(self, script: str, *arguments: str, stdout: Path | None = None) -> None:
        context = forkserver()
        reading, writing = context.Pipe(duplex=False)
        found = {name: getattr(prefect.settings, name).value() for name in TAKEN_OVER}
        settings = {name: value for name, value in found.items() if value}
        given = dict(os.environ), settings, (script, *arguments)
        self._process = context.Process(target=_run, args=(writing, stdout, *given))
        self._process.start()
        writing.close()
        self.stderr: TextIO = os.fdopen(os.dup(reading.fileno()), encoding="utf-8")

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, how: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, how)

    def wait(self) -> int:
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode


def _run(stderr: Connection, stdout: Path | None, *given: Any) -> None:
    os.dup2(stderr.fileno(), sys.stderr.fileno())
    stderr.close()
    if stdout:
        with stdout.open("wb") as file:
            os.dup2(file.fileno(), sys.stdout.fileno())
    _run_script(*given)


def _run_script(environment: dict[str, str], settings: dict[str, str], words: list[str]) -> None:
    """In the new process: what Python does with a script, from first handler to last hook."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    script, *sys.argv[1:] = words
    try:
        with temporary_settings(_as_prefects(settings)):
            if script == "-c":
                exec(sys.argv.pop(1), {"__name__": "__main__"})
            else:
                sys.path.insert(0, str((ROOT / script).parent))
                runpy.run_path(str(ROOT / script), run_name="__main__")
    finally:
        atexit._run_exitfuncs()


def _as_prefects(variables: dict[str, str]) -> dict[Any, Any]:
    """Those of the variables that Prefect reads when it is imported."""
    names = [name for name in variables if name.startswith("PREFECT_")]
    return {getattr(prefect.settings, name): variables[name] for name in names}


def stop_at(process: Started, moment: str, how: int) -> str:
    """Send a signal as soon as the process says `moment`; return all it says.

    The end of that is the end of the processes that it started, too: they say it to the same pipe.
    """
    said = ""
    for line in process.stderr:
        said += line
        if moment in line:
            process.send_signal(how)
            said += process.stderr.read()
            process.wait()
            return said
    pytest.fail(f"the process never said {moment!r}: {said}")


def finish(process: Started) -> str:
    """Wait for a good end; return what the process said."""
    said = process.stderr.read()
    assert process.wait() == 0, said
    return said


class Terminal:
    """A script of the project in a terminal of its own, where Ctrl-C reaches all its processes."""

    def __init__(self, *arguments: str, cwd: str = str(ROOT), **environment: str) -> None:
        self.said = ""
        pid, self._terminal = pty.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.chdir(cwd)
            os.execve(sys.executable, [sys.executable, *arguments], _outside_ci() | environment)
        self.process = psutil.Process(pid)

    def until(self, words: str) -> None:
        """Read on until these words appear."""
        while words not in self.said:
            assert self._read(), self.said

    def press_ctrl_c(self) -> None:
        os.write(self._terminal, b"\x03")

    def exit_code(self) -> int:
        """Wait for the end of the process."""
        while self._read():
            pass
        os.close(self._terminal)
        return self._wait()

    def _wait(self) -> int:
        _, status = os.waitpid(self.process.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        try:
            found = os.read(self._terminal, 65536)
        except OSError:  # how Linux says that nobody is at the other end
            return False
        self.said += found.decode(errors="replace")
        return bool(found)


class ForkedTerminal(Terminal):
    """The same for a process that is forked with its imports."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.said = ""
        self._terminal, other = pty.openpty()
        given = _outside_ci() | environment, environment, arguments
        with Connection(other) as end:
            self._process = forkserver().Process(target=_run_in_terminal, args=(end, *given))
            self._process.start()
        self.process = psutil.Process(self._process.pid)

    def _wait(self) -> int:
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode


def _run_in_terminal(end: Connection, *given: Any) -> None:
    os.login_tty(os.dup(end.fileno()))
    end.close()
    _run_script(*given)


def _outside_ci() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "CI"}


@contextmanager
def forking_workers() -> Iterator[None]:
    """Studies of this process fork their workers; spawned, each imports TensorFlow for seconds."""
    forkserver()
    ensure_running()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "one_process", forked_process)
        yield


def forked_process() -> ProcessPoolExecutor:
    """What `processes.one_process` gives, but forked with its imports."""
    return ProcessPoolExecutor(1, forkserver(), _begin, (dict(os.environ),))


def _begin(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    processes.begin()
