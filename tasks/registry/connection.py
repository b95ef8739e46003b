"""How we reach MLflow: silently, and without a word to anybody else; and the store's own registry.

That is a SQLite database and, beside it, the files of all runs. The database is made once, as a
whole, and never in the place of another: what it says about the model files is nowhere else.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path, PurePosixPath
from textwrap import shorten
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tasks.errors import InputError
from tasks.storage.files import disk_of, flush
from tasks.storage.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
SERVERS = ("http", "https")
MODEL = PurePosixPath("model/model.onnx")  # among the files of a run
NETWORK = PurePosixPath("model/model.keras")
SAMPLE = PurePosixPath("model/sample.npz")

# The tables of `mlflow.store.*.dbmodels`, as MLflow's client takes seconds.
NAMES = "SELECT name FROM registered_models ORDER BY name"
ALIASED = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
OF_LINEAGE = """
SELECT version FROM model_version_tags WHERE name = ? AND key = 'lineage' AND value = ?
ORDER BY version DESC
"""
VERSION = """
SELECT run_id, creation_time FROM model_versions
WHERE name = ? AND version = ? AND current_stage IS NOT 'Deleted_Internal'
"""
RUNNING = "SELECT 1 FROM runs WHERE status = 'RUNNING'"
TAGS = "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?"
METRICS = "SELECT key, value FROM latest_metrics WHERE run_uuid = ?"


def connect(store: Store, uri: str | None) -> "MlflowClient":
    """A client of the registry at `uri`, or of the store's own, which was begun.

    Raises InputError if it cannot be used, DiskError if there is no space for its database.
    """
    # Folders of files, which MLflow also takes, cannot change an alias atomically.
    if uri is not None and urlsplit(uri).scheme.partition("+")[0] not in (*DATABASES, *SERVERS):
        raise InputError(
            f"The model registry {_without_password(uri)!r} cannot be used; give the address of an "
            "MLflow server, as in http://127.0.0.1:5000, or of its database, as in sqlite:////folder/mlflow.db"
        )
    with silent_mlflow(store, uri):
        from mlflow import MlflowClient

        with disk_of(database(store, uri)):
            client = MlflowClient(uri or address(store))
            client.search_registered_models(max_results=1)
    return client


@contextmanager
def silent_mlflow(store: Store, uri: str | None) -> Iterator[None]:
    """Errors of MLflow, and of what it stands on, are one sentence that names the place.

    MLflow reads its settings at import: no usage statistics, progress bars or log, and few retries.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, ImportError, OSError) as error:
        place = _without_password(uri) if uri else str(folder(store))
        cause = shorten(str(error).replace(uri or place, place), 300)
        raise InputError(f"The model registry {place} cannot be used: {cause}") from error


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def folder(store: Store) -> Path:
    """Where the registry lies."""
    return store.root.resolve() / "registry"


def database(store: Store, uri: str | None = None) -> Path:
    """The SQLite file in the store or at a `uri`; of no use where that is a server."""
    return Path(urlsplit(uri).path.removeprefix("/")) if uri else folder(store) / "mlflow.db"


def files(store: Store) -> Path:
    """The folder of all runs' files."""
    return (folder(store) / "files").resolve()


def is_begun(store: Store) -> bool:
    """Whether there is a database; InputError for a link to nothing, or models without one."""
    path = database(store)
    for place in (folder(store), path):
        if place.is_symlink() and not place.exists():
            raise _unusable(path, f"is missing: {place} is a link to nothing")
    if path.exists():
        return True
    if any(files(store).glob(f"*/artifacts/{MODEL}")):
        raise _unusable(path, f"is missing, but there are models in {files(store)}")
    return False


def begin(store: Store) -> None:
    """Make the database if there is none; whoever calls holds the lock of the artifacts.

    DiskError without space, OSError if the folder cannot be written to, else as `is_begun`.
    """
    if is_begun(store):
        return
    # MLflow's migrations are not one transaction: a kill in the middle of them would leave a
    # database of no use. A link, unlike a rename, replaces nothing, whoever else may be at it.
    with store.temporary("registry/mlflow.db") as temporary:
        folder(store).mkdir(exist_ok=True)
        _migrate(temporary.resolve())
        flush(temporary)
        with suppress(FileExistsError):
            os.link(temporary, database(store))


def address(store: Store) -> str:
    """The address of the database; an `InputError` if it is not the whole one of a registry."""
    # MLflow would make a new one of an empty file, and meet damage in the midst of a run
    path = database(store)
    if flaw := _flaw(path):
        raise _unusable(path, flaw)
    return f"sqlite:///{path.resolve()}"


def _migrate(path: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(f"sqlite:///{path}", "")  # type: ignore[no-untyped-call]
    store.engine.dispose()


def _flaw(path: Path) -> str | None:
    if path.is_file() and not path.stat().st_size:
        return "is empty"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", timeout=0, uri=True)) as opened:
            opened.execute("SELECT 1 FROM registered_models LIMIT 1")
            (found,) = opened.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return None  # MLflow knows how to wait for it
        return f"is damaged or is another file ({error})"
    return None if found == "ok" else f"is damaged ({' '.join(found.split())})"


def _unusable(path: Path, flaw: str) -> InputError:
    return InputError(
        f"{path}, the database of the model registry, {flaw}; put it back from a backup, "
        f"name another with --registry, or move the folder {path.parent} away to begin anew"
    )


def read_rows(database: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What a query finds; InputError where the database is not as MLflow makes it."""
    address = f"{database.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as opened:
            return opened.execute(query, values).fetchall()
    except sqlite3.Error as error:
        raise InputError(f"The model registry {database} cannot be used: {error}") from error


def read_versions(database: Path, query: str, name: str, value: str) -> Iterator[Mapping[str, Any]]:
    """What each `Version` of a model is made of that has an alias, or a lineage, as `query` asks.

    The newest comes first; InputError as above.
    """
    read = partial(read_rows, database)
    for (number,) in read(query, name, value):
        for run_id, milliseconds in read(VERSION, name, number):  # since 1970
            told = {"number": number, "run_id": run_id, "created": milliseconds}
            yield dict(read(TAGS, name, number)) | told | {"metrics": dict(read(METRICS, run_id))}
