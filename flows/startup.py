"""The first import of each command: nothing is told to others, and signals end it soon."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType, ModuleType
from typing import Any

# Prefect makes an identifier and sends usage data, unless its import finds this, as processes that
# are started do; its settings in prefect.toml hold in the project's folder alone.
PRIVATE = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
NOTICE = re.compile(rb"WARNING: All log messages before|[IW]\d{4} |To enable the following")
ENDING = (signal.SIGINT, signal.SIGTERM)
SECONDS_TO_END = 3.5
SECONDS_TO_DESCRIBE = 0.5
VENV = Path(__file__).resolve().parents[1] / ".venv"
SETUP = "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e ."

# one module, though scripts import `startup`, which any Python finds in the folder of its script
sys.modules["startup"] = sys.modules["flows.startup"] = sys.modules[__name__]


def begin() -> None:
    """Prepare the process of a command, before its imports, or say what to run to have them."""
    if not (find_spec("flows") and find_spec("prefect")):
        is_lost = Path(sys.prefix) != VENV and VENV.exists()
        advice = shlex.join([f"{VENV}/bin/python", *sys.argv]) if is_lost else SETUP
        sys.exit(f"error: {sys.executable} lacks this project's packages; run: {advice}")
    os.environ |= PRIVATE
    sys.meta_path.insert(0, _QuietImport())
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as of a shell's background job
            signal.signal(number, _leave)


class _QuietImport(MetaPathFinder):
    """The import of TensorFlow without its C++'s notices, which since 2.19 no variable stops."""

    def find_spec(self, name: str, *places: Any) -> ModuleSpec | None:
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec and spec.loader:
            execute = spec.loader.exec_module
            spec.loader.exec_module = lambda module: _quietly(execute, module)  # type: ignore[method-assign]
        return spec


def _quietly(execute: Callable[[ModuleType], object], module: ModuleType) -> None:
    with TemporaryFile() as kept:
        stderr = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            execute(module)
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            kept.seek(0)
            for line in kept:
                if not NOTICE.match(line):
                    os.write(2, line)


class Interruption:
    """Ctrl-C or SIGTERM while a command works: an exception, and an end whatever becomes of it.

    Prefect reports the run as crashed on its way out, which takes for ever where its server has
    died. Then a thread that sees signals ends the process; handlers Prefect replaces by others.
    """

    def __init__(self, describe: Callable[[], str]) -> None:
        """Signals raise `KeyboardInterrupt` from now on; `describe` tells what they leave."""
        self.signal = 0
        self._describe, self._is_said = describe, threading.Lock()
        self._numbers = [number for number in ENDING if signal.getsignal(number) is _leave]
        if self._numbers:
            arrivals, self._wakeup = socket.socketpair()
            self._wakeup.setblocking(False)
            signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
            threading.Thread(target=self._watch, args=(arrivals,), daemon=True).start()
        for number in self._numbers:
            signal.signal(number, signal.default_int_handler)  # for which asyncio has one, too

    def say(self) -> int:
        """Say once on stderr what was left; the exit code, 130 after Ctrl-C, 143 after SIGTERM."""
        if self._is_said.acquire(blocking=False):
            print(f"error: interrupted; {self._described()}", file=sys.stderr, flush=True)
        return 128 + (self.signal or signal.SIGINT)

    def is_over(self) -> None:
        """The work is done: a signal ends what is left of the process."""
        for number in self._numbers:
            signal.signal(number, _leave)

    def _watch(self, arrivals: socket.socket) -> None:
        while (number := arrivals.recv(1)[0]) not in ENDING:
            pass
        self.signal = number
        time.sleep(SECONDS_TO_END)
        code = self.say()
        kill_children()
        os._exit(code)

    def _described(self) -> str:
        """In a thread: another may hold what it takes to tell, as the lock of an import."""
        words = ["the next run resumes the stage that was interrupted"]
        thread = threading.Thread(target=lambda: words.append(self._describe()), daemon=True)
        thread.start()
        thread.join(SECONDS_TO_DESCRIBE)
        return words[-1]


def kill_children() -> None:
    """End all that this one started, as a study's workers: what they store is whole or absent."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        process.kill()


def _leave(number: int, frame: FrameType | None) -> None:
    """End before anything was begun, or after all was done."""
    os.write(2, b"error: interrupted; the next run resumes from what is stored\n")
    kill_children()
    os._exit(128 + number)
