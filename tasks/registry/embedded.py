"""The store's own registry: a SQLite database and, beside it, the files of all runs.

The database is made once, as a whole, and never in the place of another: what it says about the
model files is nowhere else.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path, PurePosixPath

from tasks.errors import InputError
from tasks.storage.files import flush
from tasks.storage.store import Store

MODEL = PurePosixPath("model/model.keras")  # among the files of a run


def folder(store: Store) -> Path:
    """Where the registry lies."""
    return store.root.resolve() / "registry"


def database(store: Store) -> Path:
    """The SQLite file, in which all is that is no file of a run."""
    return folder(store) / "mlflow.db"


def files(store: Store) -> Path:
    """The folder of all runs' files."""
    return (folder(store) / "files").resolve()


def is_begun(store: Store) -> bool:
    """Whether there is a database, or something in its place; nothing is made.

    A link that leads nowhere, or model files without a database, are an `InputError`.
    """
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

    MLflow's migrations are not one transaction: a database that a kill left in the middle of them
    would be of no use to anyone. So it gets its name when it is whole; a link, unlike a rename,
    replaces nothing, whoever else may be at it. Without space, that is a `FullDiskError`; where the
    folder cannot be written to, an `OSError`; otherwise as `is_begun`.
    """
    if is_begun(store):
        return
    with store.temporary("registry/mlflow.db") as temporary:
        folder(store).mkdir(exist_ok=True)
        _migrate(temporary.resolve())
        flush(temporary)
        with suppress(FileExistsError):
            os.link(temporary, database(store))


def address(store: Store) -> str:
    """The address of the database; an `InputError` if it is not the whole one of a registry.

    MLflow would make a new one of an empty file, and meet damage in the midst of a run.
    """
    path = database(store)
    if flaw := _flaw(path):
        raise _unusable(path, flaw)
    return f"sqlite:///{path.resolve()}"


def _migrate(path: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(f"sqlite:///{path}", "")  # type: ignore[no-untyped-call]
    store.engine.dispose()


def _flaw(path: Path) -> str | None:
    """What is wrong with a database, in words; of one in use MLflow knows how to wait for it."""
    if path.is_file() and not path.stat().st_size:
        return "is empty"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", timeout=0, uri=True)) as database:
            database.execute("SELECT 1 FROM registered_models LIMIT 1")
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return None
        return f"is damaged or is another file ({error})"
    return None if found == "ok" else f"is damaged ({' '.join(found.split())})"


def _unusable(path: Path, flaw: str) -> InputError:
    return InputError(
        f"{path}, the database of the model registry, {flaw}; put it back from a backup, "
        f"name another with --registry, or move the folder {path.parent} away to begin anew"
    )
