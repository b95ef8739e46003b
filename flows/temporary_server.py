"""A Prefect server for one run, where no other is set; it ends with the run, whatever ends that.

Prefect's own ends at a Ctrl-C before the run that needs it, and outlives a run that is killed.
"""

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

from tasks.errors import ReadableError
from tasks.storage.files import disk_of

FACTORY = "prefect.server.api.server:create_app"
DATABASE_BYTES = 16_000_000  # of a new database and its log, measured: 6 million
SECONDS_TO_START = 120
SECONDS_TO_END = 3


@contextmanager
def prefect_server() -> Iterator[None]:
    """Runs within report to the server that is set, or their own; DiskError, ReadableError."""
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME, PREFECT_UI_URL, temporary_settings

    if PREFECT_API_URL.value():
        yield
        return
    home = PREFECT_HOME.value()
    # a server without space ends in tracebacks, and its database would be broken for ever
    with disk_of(home / "prefect.db"):
        home.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=home) as probe:
            probe.write(bytes(DATABASE_BYTES))
            probe.flush()
    # no link to a page that is gone with the run
    with temporary_settings({PREFECT_API_URL: f"{_start()}/api", PREFECT_UI_URL: ""}):
        yield


def _start() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(listening.fileno())],
            pass_fds=[listening.fileno()],
            stdin=subprocess.PIPE,  # which the system closes when this process ends
            start_new_session=True,  # a terminal's signals are for the run, which needs the server
            env=os.environ | {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1"},
        )
        address = "http://{}:{}".format(*listening.getsockname())
    # before Prefect's, which send what is left to send: the last comes first
    atexit.register(process.communicate)  # closes its input and waits for its end
    _wait_for(process, f"{address}/api/health")
    return address


def _wait_for(process: subprocess.Popen[bytes], url: str) -> None:
    """The system keeps the request until the server listens."""
    import httpx

    try:
        httpx.get(url, timeout=SECONDS_TO_START, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        ended = f", exit code {process.returncode}" if process.poll() is not None else ""
        raise ReadableError(f"Prefect's temporary server did not start ({error}{ended})") from error


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(SECONDS_TO_END)
    os._exit(1)


if __name__ == "__main__":
    from uvicorn import Config, Server

    threading.Thread(target=_end_with_parent, daemon=True).start()
    config = Config(
        FACTORY, factory=True, log_level="error", lifespan="on", timeout_graceful_shutdown=1
    )
    Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
