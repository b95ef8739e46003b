"""A report's page: templates, and how numbers are written."""

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

Metrics: TypeAlias = dict[str, Any]  # `metrics.json`, which templates read


def percent(share: float, digits: int = 2) -> str:
    """0.5 as `50.00 %`, with a space that does not break."""
    return f"{100 * share:.{digits}f}\u00a0%"


def listed(value: Any) -> Any:
    """A setting as it is written: 0, 1, and several of these as 0, 1; 3, 5."""
    if not isinstance(value, list):
        return value
    separator = "; " if any(isinstance(item, list) for item in value) else ", "
    return separator.join(str(listed(item)) for item in value)


def enumerated(classes: Sequence[int]) -> str:
    """Classes in a sentence: 3, 5 and 8."""
    *most, last = map(str, classes)
    return f"{', '.join(most)} and {last}"


def render(metrics: Metrics, table: str, pictures: dict[str, str]) -> dict[str, str]:
    """File names and texts of the report; the same input gives the same texts.

    Args:
        metrics: See `collect_metrics`.
        table: The comparison as CSV.
        pictures: SVG elements by name; see `tasks.compare.draw`.
    """
    return {
        "report.html": fill("report.html.jinja", metrics, pictures),
        "report.md": fill("report.md.jinja", metrics, pictures),
        "comparison.csv": table,
        "metrics.json": json.dumps(metrics, indent=2, allow_nan=False) + "\n",
    }


def summarise(metrics: Metrics) -> str:
    """Verdict and comparison alone, as Markdown."""
    return fill("summary.md.jinja", metrics, {})


def fill(template: str, metrics: Metrics, pictures: dict[str, str]) -> str:
    """A template of this folder, filled in; what a template asks for must be there."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("tasks.reporting", ""),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "count": "{:,}".format,
        "listed": listed,
        "enumerated": enumerated,
    }
    return environment.get_template(template).render(metrics=metrics, pictures=pictures)
