"""What both reports share: templates, tables, and how numbers are written."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

from tasks.data.names import shown_names
from tasks.schemas.images import ClassName

# JSON types: of a table of the report, or all of `metrics.json`; what makes it says what is in it.
Row: TypeAlias = dict[str, Any]
# A sentence of the verdict, `claim`, and the numbers behind it, `evidence`, without a full stop.
Finding: TypeAlias = dict[str, str]
SIGNIFICANT = 0.05  # level below which a p value is significant


def percent(share: float, digits: int = 2) -> str:
    """0.5 as `50.00 %`, with a no-break space."""
    return f"{100 * share:.{digits}f}\u00a0%"


def listed(value: Any) -> Any:
    """A setting as text: a list as `0, 1`, a list of lists as `0, 1; 3, 5`."""
    if not isinstance(value, list):
        return value
    separator = "; " if any(isinstance(item, list) for item in value) else ", "
    return separator.join(str(listed(item)) for item in value)


def number(value: float | None, digits: int = 4) -> str:
    """A number with at most so many digits; nothing of None."""
    return "" if value is None else f"{value:.{digits}g}"


def enumerated(classes: Sequence[ClassName]) -> str:
    """Classes in a sentence: `3, 5 and 8`."""
    *most, last = map(str, classes)
    return f"{', '.join(most)} and {last}"


def tabulate(rows: Sequence[Mapping[str, object]], columns: Iterable[str]) -> str:
    """Some columns as CSV with a header; the cell of None is empty."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns), dtype=object).to_csv(index=False)


def render_report(folder: str, metrics: Row, pictures: dict[str, str]) -> dict[str, str]:
    """File names and texts of what every report consists of: two pages and the numbers."""
    return {
        "report.html": fill(f"{folder}/report.html.jinja", metrics, pictures),
        "report.md": fill(f"{folder}/report.md.jinja", metrics, pictures),
        "metrics.json": json.dumps(metrics, indent=2, allow_nan=False) + "\n",
    }


def fill(template: str, metrics: Row, pictures: dict[str, str]) -> str:
    """A template of this folder, filled in; an unknown variable in a template is an error."""
    return str(_templates().get_template(template).render(metrics=metrics, pictures=pictures))


def say(folder: str, about: str, *facts: object) -> Finding:
    """A finding in the words of `verdict.jinja`'s macros, as `heads_claim` and `heads_evidence`."""
    return {part: phrase(folder, f"{about}_{part}", *facts) for part in ("claim", "evidence")}


def phrase(folder: str, macro: str, *facts: object) -> str:
    """What one macro of `verdict.jinja` says."""
    macros = _templates().get_template(f"{folder}/verdict.jinja").module
    return str(getattr(macros, macro)(*facts)).strip("\n")


@cache
def _templates() -> Any:
    import jinja2

    folder = Path(__file__).with_name("__pycache__")  # as trusted as what Python compiles
    is_kept = os.access(folder, os.W_OK)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tasks.reporting", ""),
        bytecode_cache=jinja2.FileSystemBytecodeCache(str(folder)) if is_kept else None,
        autoescape=jinja2.select_autoescape(["html.jinja"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "listed": listed, "enumerated": enumerated}
    environment.filters |= {"count": "{:,}".format, "median": median, "shown": shown_names}
    environment.filters |= {"number": number, "minute": "{:%Y-%m-%d %H:%M} UTC".format}
    environment.globals["SIGNIFICANT"] = SIGNIFICANT
    return environment
