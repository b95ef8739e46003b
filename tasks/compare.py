"""Compare: the table of all models and their learning curves, drawn only when they change."""

from typing import Any

from tasks.plots.curves import draw_learning_curves
from tasks.reporting.comparison import COLUMNS
from tasks.storage.caching import stage
from tasks.storage.records import current_store
from tasks.storage.references import FileReference, Record


class Comparison(Record):
    """The comparison's files: `table` is CSV, `curves` an SVG element."""

    table: FileReference
    curves: FileReference


@stage("compare")
def compare(models: list[dict[str, Any]]) -> Comparison:
    """Write table and picture of the models; see `describe_models`.

    The report itself is never cached. But drawing costs an import of matplotlib and pandas, which
    a run in which nothing changed should not pay for.
    """
    store = current_store()
    table, curves = tabulate(models), draw_learning_curves(models)
    return Comparison(
        table=store.add("pages/comparison.csv", lambda path: path.write_text(table)),
        curves=store.add("pages/curves.svg", lambda path: path.write_text(curves)),
    )


def tabulate(models: list[dict[str, Any]]) -> str:
    """The columns that matter, as CSV with a header."""
    import pandas as pd

    return pd.DataFrame(models)[list(COLUMNS)].to_csv(index=False)
