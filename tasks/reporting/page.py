"""The report's files, rendered from the metrics alone."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tasks.reporting.comparison import published_columns
from tasks.reporting.words import conclude

if TYPE_CHECKING:
    import pandas as pd

CLASSES_OF_THE_NOTEBOOK = [0, 1]
COLUMNS = (
    "recipe", "model", "loss", "accuracy", "errors", "n", "learned", "attempts", "epochs",
    "parameters", "trainable_parameters", "fit_seconds", "published_loss", "published_accuracy",
)  # fmt: skip


def render(metrics: dict[str, Any]) -> dict[str, str]:
    """File names and texts of the report; the same metrics give the same texts."""
    from tasks.plots.curves import draw_learning_curves

    rows = comparison_rows(metrics)
    histories = {
        f"{model['recipe']} {model['model']}": model["attempt_log"][-1]["course"]["epochs"]
        for model in metrics["models"]
    }
    content = {
        "metrics": metrics,
        "rows": rows,
        "has_published": any(row["published_loss"] is not None for row in rows),
        "conclusion": conclude(metrics["models"]),
        "curves": draw_learning_curves(histories),
    }
    return {
        "report.html": _fill("report.html.jinja", content),
        "report.md": _fill("report.md.jinja", content),
        "comparison.csv": _frame(rows).to_csv(index=False),
        "metrics.json": json.dumps(metrics, indent=2, allow_nan=False) + "\n",
    }


def comparison_rows(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """The comparison table, with the notebook's numbers where the data are the notebook's."""
    dataset = metrics["dataset"]
    is_the_notebooks = dataset["name"] == "MNIST" and dataset["classes"] == CLASSES_OF_THE_NOTEBOOK
    rows = [model | published_columns(model, is_the_notebooks) for model in metrics["models"]]
    return [{column: row[column] for column in COLUMNS} for row in rows]


def _frame(rows: Sequence[dict[str, Any]]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(rows, columns=list(COLUMNS))


def _fill(template: str, content: dict[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("tasks.reporting", ""),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(content)
