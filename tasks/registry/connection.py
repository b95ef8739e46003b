"""How we reach MLflow: silently, and without a word to anybody else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tasks.errors import InputError
from tasks.registry import embedded
from tasks.storage.files import space_for
from tasks.storage.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
SERVERS = ("http", "https")


def connect(store: Store, uri: str | None) -> "MlflowClient":
    """A client of the registry at `uri`, or of the store's own, which was begun.

    Raises InputError if it cannot be used, FullDiskError if there is no space for its database.
    """
    # Folders of files, which MLflow also takes, cannot change an alias atomically.
    if uri is not None and urlsplit(uri).scheme.partition("+")[0] not in (*DATABASES, *SERVERS):
        raise InputError(
            f"The model registry {_without_password(uri)!r} cannot be used; give the address of an "
            "MLflow server, as in http://127.0.0.1:5000, or of its database, as in sqlite:////folder/mlflow.db"
        )
    with silent_mlflow(store, uri):
        from mlflow import MlflowClient

        with space_for(database(store, uri)):
            client = MlflowClient(uri or embedded.address(store))
            client.search_registered_models(max_results=1)
    return client


def is_server(uri: str | None) -> bool:
    """Whether a server keeps the files too; a database alone leaves them to us."""
    return uri is not None and urlsplit(uri).scheme in SERVERS


def database(store: Store, uri: str | None) -> Path:
    """The file that a registry's entries are written to; of no use where a server writes them."""
    if uri is None:
        return embedded.database(store)
    return Path(urlsplit(uri).path.removeprefix("/"))


@contextmanager
def silent_mlflow(store: Store, uri: str | None) -> Iterator[None]:
    """Errors of MLflow, and of what it stands on, are one sentence that names the place.

    MLflow reads its settings when it is imported: no usage statistics, no progress bars, no log
    beside its exceptions, and an answer within seconds if a server cannot be reached.
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
        place = _without_password(uri) if uri else str(embedded.folder(store))
        cause = shorten(str(error).replace(uri or place, place), 300)
        raise InputError(f"The model registry {place} cannot be used: {cause}") from error


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
