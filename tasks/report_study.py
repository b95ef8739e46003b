"""Report of a study: what many transfers show together, as files and in the Prefect UI."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel

from tasks.data.source import Source
from tasks.plots.images import draw_misclassified
from tasks.plots.study import draw_pairs, draw_spread
from tasks.reporting.folder import describe_run, publish
from tasks.reporting.page import Row, render_report, tabulate
from tasks.reporting.study.analysis import analyse
from tasks.schemas.images import LabelledImages
from tasks.schemas.references import Pixels
from tasks.storage.stages import current_store, uncached_stage
from tasks.trials.trial import TrialResult

MOST_IN_MATRIX = 15  # classes


def render(metrics: Row, pictures: dict[str, str]) -> dict[str, str]:
    """File names and texts of the report, of what `describe_run` and `draw` give."""
    trials = [row | {"classes": " ".join(map(str, row["classes"]))} for row in metrics["trials"]]
    return render_report("study", metrics, pictures) | {"trials.csv": tabulate(trials, trials[0])}


def draw(analysis: Row, test: Pixels) -> Iterator[tuple[str, str]]:
    """Every picture of the report, as its name and an SVG element; `test` is (n, h, w, c)."""
    for recipe in analysis["overview"]["recipes"]:
        transfers = [row for row in analysis["transfers"] if row["recipe"] == recipe]
        paired = {name for row in transfers if len(row["classes"]) == 2 for name in row["classes"]}
        if 0 < len(paired) <= MOST_IN_MATRIX:
            yield f"pairs-{recipe}", draw_pairs(transfers, analysis["overview"]["classes"])
        if any(row["learned"] for row in transfers):
            yield f"spread-{recipe}", draw_spread(transfers)
    for row in analysis["hardest"]:
        name = "-".join(map(str, [row["recipe"], *row["classes"]]))
        rows = [image["image"] for image in row["images"]]
        yield f"hardest-{name}", draw_misclassified(test[rows], row["images"])


@uncached_stage("report-study")
def report_study(
    config: BaseModel,
    command: str,
    source: Source,
    data: LabelledImages,
    results: Sequence[TrialResult],
    bases: str,
) -> Path:
    """Write the report of trials, show it in the UI, and return its folder; never cached.

    All images are (n, height, width, channels), their labels the positions of their classes;
    `command` is what is typed to run the study again, `bases` in words what the bases had seen.
    """
    store = current_store()
    analysis = analyse(results, store.array(data.images.test.labels), data.classes, bases)
    pictures = dict(draw(analysis, store.array(data.images.test.inputs)))
    metrics = describe_run(config, command, source, data.images, analysis)
    return publish(store, render(metrics, pictures), metrics, "study", latest="latest-study")
