"""The project's commands as processes, which are listened to, stopped, and waited for."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from prefect.settings import get_current_settings

ROOT = Path(__file__).parents[1]


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start a script of the project on the tests' Prefect server."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | get_current_settings().to_environment_variables(exclude_unset=True),
        stderr=subprocess.PIPE,
        text=True,
        # a shell's background job, such as CI may be, ignores SIGINT, and so would its children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def stop_at(process: subprocess.Popen[str], moment: str, how: int) -> str:
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


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a good end; return what the process said."""
    said = process.stderr.read()
    assert process.wait() == 0, said
    return said


class Terminal:
    """A script of the project in a terminal of its own, where Ctrl-C reaches all its processes."""

    def __init__(self, *arguments: str, cwd: str = str(ROOT), **environment: str) -> None:
        self.said = ""
        variables = {key: value for key, value in os.environ.items() if key != "CI"} | environment
        pid, self._terminal = pty.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.chdir(cwd)
            os.execve(sys.executable, [sys.executable, *arguments], variables)
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
        _, status = os.waitpid(self.process.pid, 0)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(status)

    def server(self) -> psutil.Process:
        """The temporary server that it started."""
        (found,) = [p for p in self.process.children() if "flows.temporary_server" in p.cmdline()]
        return found

    def _read(self) -> bool:
        try:
            found = os.read(self._terminal, 65536)
        except OSError:  # how Linux says that nobody is at the other end
            return False
        self.said += found.decode(errors="replace")
        return bool(found)
