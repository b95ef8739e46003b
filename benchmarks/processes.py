"""Whole processes, timed from outside."""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import httpx

ROOT = Path(__file__).parents[1]

R = TypeVar("R")


@dataclass(frozen=True)
class Finished:
    """A process that ended well: wall seconds, peak memory in MB (10^6 bytes), what it printed."""

    seconds: float
    peak_mb: float
    output: str


def run(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Finished:
    """Run Python with these arguments, from the project's folder.

    Raises:
        CalledProcessError: It did not end well.
    """
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PREFECT_LOGGING_LEVEL": "ERROR"}
    quiet |= {"PYTHONDONTWRITEBYTECODE": ""}  # else each run would compile every module
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | quiet | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(arguments))
    return Finished(time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e6, output)


def in_a_process(function: Callable[..., R], *arguments: Any) -> R:
    """Call a function in a new process, so that this one stays small."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


@contextmanager
def prefect_server() -> Iterator[dict[str, str]]:
    """A Prefect server on a free loopback port; yields the environment that points at it."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory() as home:
        environment = {"PREFECT_HOME": home}
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "prefect", "server", "start"),
                *("--host", "127.0.0.1", "--port", str(port)),
            ],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with httpx.Client(transport=httpx.HTTPTransport(retries=8), timeout=60) as client:
                client.get(f"http://127.0.0.1:{port}/api/health").raise_for_status()
            yield environment | {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
        finally:
            server.terminate()
            server.wait()
