"""The report's files, rendered from the metrics and the comparison alone."""

import json
from typing import Any

from tasks.reporting.words import listed, percent


def render(metrics: dict[str, Any], table: str, pictures: dict[str, str]) -> dict[str, str]:
    """File names and texts of the report; the same input gives the same texts.

    Args:
        metrics: See `collect_metrics`.
        table: The comparison as CSV.
        pictures: SVG elements by name; see `tasks.compare.draw`.
    """
    return {
        "report.html": _fill("report.html.jinja", metrics, pictures),
        "report.md": _fill("report.md.jinja", metrics, pictures),
        "comparison.csv": table,
        "metrics.json": json.dumps(metrics, indent=2, allow_nan=False) + "\n",
    }


def summarise(metrics: dict[str, Any]) -> str:
    """Verdict and comparison alone, as Markdown."""
    return _fill("summary.md.jinja", metrics, {})


def _fill(template: str, metrics: dict[str, Any], pictures: dict[str, str]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("tasks.reporting", ""),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "count": "{:,}".format, "listed": listed}
    return environment.get_template(template).render(metrics=metrics, pictures=pictures)
