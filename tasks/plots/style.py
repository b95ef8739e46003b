"""What all pictures share; they are small enough to fit on a telephone unscaled."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "osD^v"
WIDTH = 4.6  # inches; 331 points on the page

_SETTINGS: Any = {
    "svg.hashsalt": "digit-transfer",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
}


@contextmanager
def picture(height: float) -> Iterator[tuple[Any, Any]]:
    """A new figure in the report's style, `height` inches high, and its axes."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_SETTINGS):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        yield figure, figure.subplots()


def svg(figure: Any) -> str:
    """The figure as an SVG element; the same figure gives the same text."""
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    return text.getvalue()[text.getvalue().index("<svg") :]
