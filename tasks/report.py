"""Report: what the run found, as files and in the Prefect UI."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from prefect import task
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext
from prefect.logging import get_run_logger

from tasks.compare import Findings
from tasks.data.source import Source
from tasks.reporting.command import Settings
from tasks.reporting.experiment.comparison import COLUMNS
from tasks.reporting.experiment.metrics import collect_metrics
from tasks.reporting.page import render, summarise
from tasks.schemas.references import Dataset, FileReference
from tasks.storage.records import current_store
from tasks.storage.store import Store
from tasks.storage.task_runs import finished_task_runs

FOLDER = "reports"


@task(name="report", task_run_name="report", cache_policy=NO_CACHE, persist_result=False)
def report(
    config: Settings, source: Source, images: Dataset, subset: Dataset, findings: Findings
) -> Path:
    """Write the report of this run and show it in the UI; never cached.

    Returns:
        The folder with `report.html`, `report.md`, `comparison.csv` and `metrics.json`.
    """
    run, store = TaskRunContext.get(), current_store()
    analysis = json.loads(_read(store, findings.analysis))
    finished = finished_task_runs(run.task_run.flow_run_id if run else None)
    metrics = collect_metrics(config, source, images, subset, analysis, finished)
    pictures = {picture.name: _read(store, picture.file) for picture in findings.pictures}
    files = render(metrics, _read(store, findings.table), pictures)
    folder = write_folder(store, files)
    _show(metrics)
    show_place(store, folder, key="report-file")
    return folder


def show_place(store: Store, folder: Path, key: str) -> None:
    """Say where a report lies, here and on a remote, and link it in the UI under `key`."""
    create_link_artifact(
        (folder / "report.html").resolve().as_uri(), link_text="report.html", key=key,
        description="The whole report.",
    )  # fmt: skip
    get_run_logger().info("Report: %s", folder / "report.html")
    if store.remote:
        get_run_logger().info("Report: %s", store.place(f"{FOLDER}/{folder.name}/report.html"))


def _read(store: Store, file: FileReference) -> str:
    return store.verified(file).read_text(encoding="utf-8")


def _show(metrics: dict[str, Any]) -> None:
    """What the run's page in the UI shows."""
    create_markdown_artifact(summarise(metrics), key="report", description="The verdict.")
    create_table_artifact(
        _rounded(metrics["models"]), key="comparison", description="Every model on test images."
    )


def _rounded(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The comparison as the UI shows it, which prints every digit of a float."""
    rows = [{column: model[column] for column in COLUMNS} for model in models]
    return [
        {name: round(cell, 5) if isinstance(cell, float) else cell for name, cell in row.items()}
        for row in rows
    ]


def write_folder(store: Store, files: dict[str, str], latest: str = "latest") -> Path:
    """Write a report into a folder of its own and let `latest` point at it, each atomically.

    On a remote, `latest` is a file with the name of the folder, and written when all is there.

    Returns:
        The folder on this machine.
    """
    name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{uuid4().hex[:6]}"
    folder = _write_here(store, files, name, latest)
    if store.remote:
        for file, text in files.items():
            store.write(f"{FOLDER}/{name}/{file}", text.encode())
        store.write(f"{FOLDER}/{latest}", name.encode())
    return folder


def _write_here(store: Store, files: dict[str, str], name: str, latest: str) -> Path:
    place, pointed = f"{FOLDER}/{name}", f"{FOLDER}/{latest}"
    folder, link = store.root / place, store.root / pointed
    with store.temporary(place) as unfinished:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir()
        for file, text in files.items():
            with (unfinished / file).open("w", encoding="utf-8") as opened:
                opened.write(text)
                opened.flush()
                os.fsync(opened.fileno())
        unfinished.rename(folder)
    with store.temporary(pointed) as pointer:
        pointer.symlink_to(name)
        if link.is_dir() and not link.is_symlink():  # in a copy that followed the link
            shutil.rmtree(link)
        pointer.replace(link)
    return folder
