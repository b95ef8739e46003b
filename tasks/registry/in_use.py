"""The champion, from the tables of `mlflow.store.*.dbmodels`: MLflow's client takes seconds."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tasks.errors import InputError

NAMES = "SELECT name FROM registered_models ORDER BY name"
VERSION = """
SELECT number.version AS number, number.run_id, number.creation_time
FROM registered_model_aliases AS alias JOIN model_versions AS number USING (name, version)
WHERE name = ? AND alias = 'champion'
"""
TAGS = "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?"
METRICS = "SELECT key, value FROM latest_metrics WHERE run_uuid = ?"


def read_names(database: Path) -> list[str]:
    """The models that are registered; InputError where the database is not as MLflow makes it."""
    with _opened(database) as opened:
        return [name for (name,) in opened.execute(NAMES)]


def read_champion(database: Path, name: str) -> Mapping[str, Any] | None:
    """What `Version` is made of, of a model's champion if there is one; InputError as above."""
    with _opened(database) as opened:
        found = opened.execute(VERSION, (name,)).fetchone()
        if found is None:
            return None
        number, run_id, milliseconds = found  # since 1970
        told = {"number": number, "run_id": run_id, "created": milliseconds}
        metrics = {"metrics": dict(opened.execute(METRICS, (run_id,)))}
        return dict(opened.execute(TAGS, (name, number))) | told | metrics


@contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    address = f"{database.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as opened:
            yield opened
    except sqlite3.Error as error:
        raise InputError(f"The model registry {database} cannot be used: {error}") from error
