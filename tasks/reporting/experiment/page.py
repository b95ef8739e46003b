"""The files of an experiment's report, its pictures and the columns of its table."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.plots.curves import draw_label_efficiency, draw_learning_curves, draw_margins
from tasks.plots.images import draw_confusion, draw_predictions
from tasks.reporting.page import Metrics, Row, fill, render_report
from tasks.schemas.images import ClassName

COLUMNS = (
    "recipe", "model", "accuracy", "low", "high", "errors", "n", "learned", "log_loss",
    "calibration_error", "loss", "parameters", "trainable_parameters", "fit_seconds", "attempts",
    "epochs", "published_loss", "published_accuracy",
)  # fmt: skip


def render(metrics: Metrics, table: str, pictures: dict[str, str]) -> dict[str, str]:
    """File names and texts of the report; the same input gives the same texts.

    The table is the comparison as CSV; for the others see `describe_run` and `draw`.
    """
    return render_report("experiment", metrics, pictures) | {"comparison.csv": table}


def summarise(metrics: Metrics) -> str:
    """Verdict and comparison alone, as Markdown."""
    return fill("experiment/summary.md.jinja", metrics, {})


class Shown(NamedTuple):
    """What a model's pictures show."""

    test: NDArray[np.uint8]  # images (n, height, width, channels)
    classes: Sequence[ClassName]  # that the model tells apart


def draw(analysis: Row, of_bases: Shown, of_heads: Shown) -> Iterator[tuple[str, str]]:
    """Every picture of the report, as its name and an SVG element."""
    yield "loss", draw_learning_curves(analysis["models"], "loss")
    yield "accuracy", draw_learning_curves(analysis["models"], "accuracy")
    if analysis["label_efficiency"]:
        yield "labels", draw_label_efficiency(analysis["label_efficiency"])
    for row in analysis["refusals"]:
        if row["promise"] != "none":
            yield f"refusal-{row['recipe']}-{row['model']}", draw_margins(row)
    for model, hardest in zip(analysis["models"], analysis["mistakes"], strict=True):
        name = f"{model['recipe']}-{model['model']}"
        shown = of_bases if model["model"] == "base" else of_heads
        yield f"confusion-{name}", draw_confusion(model["confusion"], shown.classes)
        rows = [image["image"] for image in hardest["images"]]
        yield f"hardest-{name}", draw_predictions(shown.test[rows], hardest["images"])
