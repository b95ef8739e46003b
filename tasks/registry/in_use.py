"""The champion, read from the registry's own database: MLflow's client takes seconds to import.

Its tables are those of `mlflow.store.model_registry.dbmodels` and `mlflow.store.tracking.dbmodels`.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NAMES = "SELECT name FROM registered_models ORDER BY name"
VERSION = """
SELECT number.version AS number, number.run_id, number.creation_time
FROM registered_model_aliases AS alias JOIN model_versions AS number USING (name, version)
WHERE name = ? AND alias = 'champion'
"""
TAGS = "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?"
METRICS = "SELECT key, value FROM latest_metrics WHERE run_uuid = ?"


def read_names(database: Path) -> list[str]:
    """The models that are registered; sqlite3.Error where the database is not as we know it."""
    with closing(_opened(database)) as opened:
        return [name for (name,) in opened.execute(NAMES)]


def read_champion(database: Path, name: str) -> Mapping[str, Any] | None:
    """What `Version` is made of, of a model's champion if there is one; errors as above."""
    with closing(_opened(database)) as opened:
        found = opened.execute(VERSION, (name,)).fetchone()
        if found is None:
            return None
        number, run_id, milliseconds = found
        return {
            **dict(opened.execute(TAGS, (name, number))),
            "number": number,
            "run_id": run_id,
            "metrics": dict(opened.execute(METRICS, (run_id,))),
            "created": datetime.fromtimestamp(milliseconds / 1000, UTC),
        }


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
