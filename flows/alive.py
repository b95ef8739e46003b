"""Which runs are alive, so that one that was killed does not stay `Running` in the UI for ever.

Each run holds a lock that the system releases when its process ends, whatever ends it. The next run
on the same artifacts, and `flows/serve.py`, report those whose lock is free as crashed.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from filelock import FileLock, Timeout
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from tasks.storage.store import Store, writable_store

FOLDER = "running"


@contextmanager
def reported_alive(artifacts: str) -> Iterator[None]:
    """Within a flow: this run is alive until the block or its process ends.

    Raises:
        InputError: The artifacts cannot be written to.
    """
    store, context = writable_store(artifacts), FlowRunContext.get()
    assert context is not None, "reported_alive is called inside a flow"
    assert context.flow_run is not None, "a flow that runs has a run"
    path = store.root / FOLDER / str(context.flow_run.id)
    path.parent.mkdir(exist_ok=True)
    with _one_at_a_time(store):
        lock = FileLock(path)
        lock.acquire()
    try:
        report_crashed(store)
        yield
    finally:
        lock.release()
        path.unlink(missing_ok=True)


def report_crashed(store: Store) -> None:
    """Report as crashed all runs on these artifacts whose process has ended without a word."""
    if not (store.root / FOLDER).exists():
        return
    with _one_at_a_time(store):
        for path in (store.root / FOLDER).iterdir():
            if path.is_file() and _is_free(path):
                with suppress(ValueError):  # no run's file
                    _report(UUID(path.name))
                path.unlink(missing_ok=True)


def _one_at_a_time(store: Store) -> FileLock:
    """No run is looked at between the making of its file and the locking of it."""
    return FileLock(store.root / f"{FOLDER}.lock")


def _is_free(path: Path) -> bool:
    try:
        with FileLock(path, timeout=0):
            return True
    except Timeout:
        return False


def _report(run: UUID) -> None:
    with get_client(sync_client=True) as client:
        try:
            state = client.read_flow_run(run).state
        except ObjectNotFound:  # of another server
            return
        if state and not state.is_final():
            client.set_flow_run_state(run, Crashed(message="Its process was killed."), force=True)
