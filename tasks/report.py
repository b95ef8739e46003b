"""Report: what the run found, as files and in the Prefect UI."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from pydantic import BaseModel

from tasks.data.source import Source
from tasks.reporting.experiment.comparison import COLUMNS
from tasks.reporting.experiment.page import render, summarise
from tasks.reporting.folder import link_report, write_folder
from tasks.reporting.metrics import collect_metrics
from tasks.reporting.page import Metrics
from tasks.schemas.references import Dataset, FileReference
from tasks.schemas.results import Findings
from tasks.storage.records import current_store
from tasks.storage.stages import finished_task_runs, uncached_stage
from tasks.storage.store import Store


@uncached_stage("report")
def report(
    config: BaseModel,
    command: str,
    source: Source,
    images: Dataset,
    subset: Dataset,
    findings: Findings,
) -> Path:
    """Write the report of this run and show it in the UI; never cached.

    Returns:
        The folder with `report.html`, `report.md`, `comparison.csv` and `metrics.json`.
    """
    store = current_store()
    analysis = json.loads(_read(store, findings.analysis))
    tasks = finished_task_runs()
    metrics = collect_metrics(config, command, source, images, subset, analysis, tasks)
    pictures = {picture.name: _read(store, picture.file) for picture in findings.pictures}
    files = render(metrics, _read(store, findings.table), pictures)
    folder = write_folder(store, files)
    _show(metrics)
    link_report(store, folder, key="report-file")
    return folder


def _read(store: Store, file: FileReference) -> str:
    return store.verified(file).read_text(encoding="utf-8")


def _show(metrics: Metrics) -> None:
    """What the run's page in the UI shows."""
    create_markdown_artifact(summarise(metrics), key="report", description="The verdict.")
    create_table_artifact(
        _rounded(metrics["models"]), key="comparison", description="Every model on test images."
    )


def _rounded(models: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """The comparison as the UI shows it, which prints every digit of a float."""
    rows = [{column: model[column] for column in COLUMNS} for model in models]
    return [
        {name: round(cell, 5) if isinstance(cell, float) else cell for name, cell in row.items()}
        for row in rows
    ]
