"""The files of a study's report, its pictures and its tables."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.plots.images import draw_misclassified
from tasks.plots.study import draw_pairs, draw_spread
from tasks.reporting.page import Metrics, Row, fill, render_report, tabulate
from tasks.schemas.images import ClassName

COLUMNS = (
    *("recipe", "classes", "head", "n", "learned", "accuracy", "low", "high"),
    *("mean_errors", "best", "worst"),
)
MOST_IN_MATRIX = 15  # classes


def render(metrics: Metrics, pictures: dict[str, str]) -> dict[str, str]:
    """File names and texts of the report, of what `describe_run` and `draw` give."""
    trials = [row | {"classes": _spaced(row["classes"])} for row in metrics["trials"]]
    return render_report("study", metrics, pictures) | {"trials.csv": tabulate(trials, trials[0])}


def summarise(metrics: Metrics) -> str:
    """The verdict alone, as Markdown."""
    return fill("verdict.md.jinja", metrics, {})


def as_cells(transfer: Row) -> dict[str, object]:
    """A subset and head as the UI shows it, which has no lists in its tables."""
    learned = f"{transfer['learned']} of {len(transfer['seeds'])}"
    return {**transfer, "classes": _spaced(transfer["classes"]), "learned": learned}


def draw(analysis: Row, test: NDArray[np.uint8]) -> Iterator[tuple[str, str]]:
    """Every picture of the report, as its name and an SVG element; `test` is (n, h, w, c)."""
    for recipe in analysis["overview"]["recipes"]:
        transfers = [row for row in analysis["transfers"] if row["recipe"] == recipe]
        if fits_a_matrix(transfers):
            yield f"pairs-{recipe}", draw_pairs(transfers, analysis["overview"]["classes"])
        if any(row["learned"] for row in transfers):
            yield f"spread-{recipe}", draw_spread(transfers)
    for row in analysis["hardest"]:
        name = "-".join(map(str, [row["recipe"], *row["classes"]]))
        rows = [image["image"] for image in row["images"]]
        yield f"hardest-{name}", draw_misclassified(test[rows], row["images"])


def fits_a_matrix(transfers: Sequence[Row]) -> bool:
    """Whether there are pairs, of few enough classes to be seen in a matrix."""
    names = {name for row in transfers for name in row["classes"] if len(row["classes"]) == 2}
    return 0 < len(names) <= MOST_IN_MATRIX


def _spaced(classes: Sequence[ClassName]) -> str:
    return " ".join(map(str, classes))
