"""The project's commands as processes, which are listened to, stopped, and waited for."""

import os
import signal
import subprocess
import sys
from pathlib import Path

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
    """Send a signal as soon as the process says `moment`; return what it says afterwards.

    The end of that is the end of the processes that it started, too: they say it to the same pipe.
    """
    for line in process.stderr:
        if moment in line:
            process.send_signal(how)
            rest = process.stderr.read()
            process.wait()
            return rest
    pytest.fail(f"the process never said {moment!r}")


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a good end; return what the process said."""
    said = process.stderr.read()
    assert process.wait() == 0, said
    return said
