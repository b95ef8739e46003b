"""The report's files, rendered from the metrics and the comparison alone."""

import json
from typing import Any


def render(metrics: dict[str, Any], table: str, curves: str) -> dict[str, str]:
    """File names and texts of the report; the same input gives the same texts.

    Args:
        metrics: See `collect_metrics`.
        table: The comparison as CSV.
        curves: The learning curves as an SVG element.
    """
    content = {"metrics": metrics, "curves": curves}
    return {
        "report.html": _fill("report.html.jinja", content),
        "report.md": _fill("report.md.jinja", content),
        "comparison.csv": table,
        "metrics.json": json.dumps(metrics, indent=2, allow_nan=False) + "\n",
    }


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
