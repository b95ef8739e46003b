"""The files of an experiment's report, its pictures and its table."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.plots.curves import draw_label_efficiency, draw_learning_curves, draw_uncertainty
from tasks.plots.images import draw_confusion, draw_predictions
from tasks.reporting.experiment.comparison import COLUMNS
from tasks.reporting.experiment.records import Analysis, ModelRow
from tasks.reporting.page import Metrics, fill, render_report


def render(metrics: Metrics, table: str, pictures: dict[str, str]) -> dict[str, str]:
    """File names and texts of the report; the same input gives the same texts.

    Args:
        metrics: See `collect_metrics`.
        table: The comparison as CSV; see `tabulate`.
        pictures: SVG elements by name; see `draw`.
    """
    return render_report("experiment", metrics, pictures) | {"comparison.csv": table}


def summarise(metrics: Metrics) -> str:
    """Verdict and comparison alone, as Markdown."""
    return fill("experiment/summary.md.jinja", metrics, {})


def draw(
    analysis: Analysis, test: NDArray[np.uint8], classes: tuple[int, ...]
) -> Iterator[tuple[str, str]]:
    """Every picture of the report, as its name and an SVG element.

    Args:
        analysis: See `analyse`.
        test: All test images, uint8 (n, 28, 28, 1).
        classes: The labels of the subset's classes in the data set.
    """
    yield "loss", draw_learning_curves(analysis["models"], "loss")
    yield "accuracy", draw_learning_curves(analysis["models"], "accuracy")
    if analysis["label_efficiency"]:
        yield "labels", draw_label_efficiency(analysis["label_efficiency"])
    for head in analysis["unknown_classes"]:
        yield f"unknown-classes-{head['recipe']}-{head['model']}", draw_uncertainty(head)
    for model, hardest in zip(analysis["models"], analysis["mistakes"], strict=True):
        name = f"{model['recipe']}-{model['model']}"
        known = range(len(model["confusion"])) if model["model"] == "base" else classes
        yield f"confusion-{name}", draw_confusion(model["confusion"], known)
        rows = [image["image"] for image in hardest["images"]]
        yield f"hardest-{name}", draw_predictions(test[rows], hardest["images"])


def tabulate(models: Sequence[ModelRow]) -> str:
    """The columns that matter, as CSV with a header."""
    import pandas as pd

    return pd.DataFrame(models)[list(COLUMNS)].to_csv(index=False)
