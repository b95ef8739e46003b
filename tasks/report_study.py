"""Report of a study: what many transfers show together, as files and in the Prefect UI."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from pydantic import BaseModel

from tasks.data.source import Source
from tasks.reporting.folder import link_report, write_folder
from tasks.reporting.metrics import describe_run
from tasks.reporting.page import Metrics
from tasks.reporting.study.analysis import analyse
from tasks.reporting.study.page import draw, render, summarise
from tasks.reporting.study.records import TransferRow
from tasks.schemas.references import Dataset
from tasks.storage.records import current_store
from tasks.storage.stages import finished_task_runs, uncached_stage
from tasks.trials.trial import TrialResult


@uncached_stage("report-study")
def report_study(
    config: BaseModel, command: str, source: Source, images: Dataset, results: Sequence[TrialResult]
) -> Path:
    """Write the report of all trials and show it in the UI; never cached.

    Args:
        config: The study's settings.
        command: What is typed to run it again.
        source: Where the images are from.
        images: All images (n, 28, 28, 1) with labels 0..9.
        results: Every trial's, one or more, in any order.

    Returns:
        The folder with `report.html`, `report.md`, `trials.csv` and `metrics.json`.
    """
    store = current_store()
    analysis = analyse(results, np.asarray(store.array(images.test.labels)))
    pictures = dict(draw(analysis, store.array(images.test.inputs)))
    metrics = describe_run(config, command, source, images, analysis, finished_task_runs())
    folder = write_folder(store, render(metrics, pictures), latest="latest-study")
    _show(metrics)
    link_report(store, folder, key="study-file")
    return folder


def _show(metrics: Metrics) -> None:
    """What the run's page in the UI shows."""
    create_markdown_artifact(summarise(metrics), key="study", description="The verdict.")
    create_table_artifact(
        [_row(transfer) for transfer in metrics["transfers"]],
        key="study-pairs",
        description="Every subset and head on test images.",
    )


def _row(transfer: TransferRow) -> dict[str, object]:
    """A subset and head as the UI shows it, which prints every digit of a float and no list."""
    return {
        "recipe": transfer["recipe"],
        "classes": " ".join(map(str, transfer["classes"])),
        "head": transfer["head"],
        "n": transfer["n"],
        "learned": f"{transfer['learned']} of {len(transfer['seeds'])}",
        "accuracy": _rounded(transfer["accuracy"]),
        "low": _rounded(transfer["low"]),
        "high": _rounded(transfer["high"]),
        "mean_errors": _rounded(transfer["mean_errors"]),
        "best": transfer["best"],
        "worst": transfer["worst"],
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 5)
