"""Report of a study: what many transfers show together, as files and in the Prefect UI."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from tasks.data.source import Source
from tasks.reporting.folder import publish, show_table
from tasks.reporting.metrics import describe_run
from tasks.reporting.study.analysis import analyse
from tasks.reporting.study.page import COLUMNS, as_cells, draw, render, summarise
from tasks.schemas.images import ClassName
from tasks.schemas.references import Dataset
from tasks.storage.records import current_store
from tasks.storage.stages import uncached_stage
from tasks.trials.trial import TrialResult


@uncached_stage("report-study")
def report_study(
    config: BaseModel,
    command: str,
    source: Source,
    images: Dataset,
    classes: Sequence[ClassName],
    results: Sequence[TrialResult],
    bases: str,
) -> Path:
    """Write the report of one or more trials and show it in the UI; never cached.

    Returns the folder with `report.html`, `report.md`, `trials.csv` and `metrics.json`. All images
    are (n, height, width, channels), their labels the positions of their classes; `command` is what
    is typed to run the study again, `bases` in words what the bases had seen.
    """
    store = current_store()
    analysis = analyse(results, store.array(images.test.labels), classes, bases)
    pictures = dict(draw(analysis, store.array(images.test.inputs)))
    metrics = describe_run(config, command, source, images, analysis)
    files = render(metrics, pictures)
    folder = publish(store, files, summarise(metrics), key="study", latest="latest-study")
    transfers = [as_cells(transfer) for transfer in metrics["transfers"]]
    show_table(transfers, COLUMNS, "study-pairs", "Every subset and head on test images.")
    return folder
