"""The files of a study's report, rendered from its metrics alone, and its pictures."""

import csv
import json
from collections.abc import Iterator, Sequence
from io import StringIO

import numpy as np
from numpy.typing import NDArray

from tasks.plots.images import draw_wrong_answers
from tasks.plots.study import draw_pairs, draw_spread
from tasks.reporting.page import Metrics, fill
from tasks.reporting.study.records import StudyAnalysis, TrialRow


def render_study(metrics: Metrics, pictures: dict[str, str]) -> dict[str, str]:
    """File names and texts of the report; the same input gives the same texts.

    Args:
        metrics: The analysis and what it was made from; see `analyse_trials` and `describe_run`.
        pictures: SVG elements by name; see `draw_study`.
    """
    return {
        "report.html": fill("study.html.jinja", metrics, pictures),
        "report.md": fill("study.md.jinja", metrics, pictures),
        "trials.csv": tabulate_trials(metrics["trials"]),
        "metrics.json": json.dumps(metrics, indent=2, allow_nan=False) + "\n",
    }


def summarise_study(metrics: Metrics) -> str:
    """The verdict alone, as Markdown."""
    return fill("verdict.md.jinja", metrics, {})


def draw_study(analysis: StudyAnalysis, test: NDArray[np.uint8]) -> Iterator[tuple[str, str]]:
    """Every picture of the report, as its name and an SVG element.

    Args:
        analysis: See `analyse_trials`.
        test: All test images, uint8 (n, 28, 28, 1).
    """
    for recipe in analysis["overview"]["recipes"]:
        transfers = [row for row in analysis["transfers"] if row["recipe"] == recipe]
        if any(len(row["classes"]) == 2 for row in transfers):
            yield f"pairs-{recipe}", draw_pairs(transfers)
        if any(row["learned"] for row in transfers):
            yield f"spread-{recipe}", draw_spread(transfers)
    for row in analysis["hardest"]:
        name = "-".join(map(str, [row["recipe"], *row["classes"]]))
        rows = [image["image"] for image in row["images"]]
        yield f"hardest-{name}", draw_wrong_answers(test[rows], row["images"])


def tabulate_trials(trials: Sequence[TrialRow]) -> str:
    """A line for each trial as CSV with a header; a trial that never learned has no accuracy."""
    text = StringIO()
    writer = csv.DictWriter(text, trials[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | {"classes": " ".join(map(str, row["classes"]))} for row in trials)
    return text.getvalue()
