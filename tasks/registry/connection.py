"""How we reach MLflow: silently, and without a word to anybody else."""

import os
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tasks.errors import InputError
from tasks.storage.space import space_for
from tasks.storage.store import Store, replace

if TYPE_CHECKING:
    from mlflow import MlflowClient

FOLDER = "registry"
EMBEDDED = f"{FOLDER}/mlflow.db"
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
SERVERS = ("http", "https")


def connect(store: Store, uri: str | None) -> "MlflowClient":
    """A client of the registry at `uri`, or of the store's own SQLite database.

    MLflow reads its settings when it is imported: no usage statistics, no progress bars, no log
    beside its exceptions, and an answer within seconds if a server cannot be reached.

    Raises:
        FullDiskError: There is no space for its database.
        InputError: It cannot be reached or used.
    """
    _check_scheme(uri)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with space_for(database(store, uri)):
            client = MlflowClient(uri or _embedded(store))
            client.search_registered_models(max_results=1)
    except (MlflowException, SQLAlchemyError, ImportError, OSError) as error:
        place = _without_password(uri) if uri else str(store.root / FOLDER)
        cause = shorten(str(error).replace(uri or place, place), 300)
        raise InputError(f"The model registry {place} cannot be used: {cause}") from error
    return client


def is_server(uri: str | None) -> bool:
    """Whether a server keeps the files too; a database alone leaves them to us."""
    return uri is not None and urlsplit(uri).scheme in SERVERS


def database(store: Store, uri: str | None) -> Path:
    """The file that a registry's entries are written to; of no use where a server writes them."""
    if uri is None:
        return (store.root / EMBEDDED).resolve()
    return Path(urlsplit(uri).path.removeprefix("/"))


def _check_scheme(uri: str | None) -> None:
    """Folders of files, which MLflow also takes, cannot change an alias at one stroke."""
    if uri is not None and urlsplit(uri).scheme.partition("+")[0] not in (*DATABASES, *SERVERS):
        raise InputError(
            f"The model registry {_without_password(uri)!r} cannot be used; give the address of an "
            "MLflow server, as in http://127.0.0.1:5000, or of its database, as in sqlite:////folder/mlflow.db"
        )


def _embedded(store: Store) -> str:
    """The address of the store's own database, which is there as a whole or not at all.

    MLflow's migrations are not one transaction: a database that a kill left in the middle of them
    would be of no use to anyone.
    """
    path = database(store, None)
    if not path.exists():
        with store.temporary(EMBEDDED) as temporary:
            _migrate(temporary.resolve())
            replace(temporary, path)
    return f"sqlite:///{path}"


def _migrate(path: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(f"sqlite:///{path}", "")  # type: ignore[no-untyped-call]
    store.engine.dispose()


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
