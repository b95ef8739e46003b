"""What all pictures share; they are small enough to fit on a telephone unscaled."""

import warnings
from collections.abc import Callable
from functools import wraps
from io import StringIO
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

P = ParamSpec("P")
# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "osD^v"
WIDTH = 4.6  # inches; 331 points on the page
_SETTINGS = Path(__file__).with_suffix(".mplstyle")
warnings.filterwarnings("ignore", "Glyph")  # the font lacks some letters of names


def picture(
    height: float = 3.4, legend: int = 0
) -> Callable[[Callable[Concatenate[Any, P], None]], Callable[P, str]]:
    """What a function draws, as an SVG element `height` inches high, alike for the same numbers."""

    def decorate(draw: Callable[Concatenate[Any, P], None]) -> Callable[P, str]:
        @wraps(draw)
        def drawn(*arguments: P.args, **named: P.kwargs) -> str:
            from matplotlib import style
            from matplotlib.figure import Figure

            text = StringIO()
            with style.context(_SETTINGS):
                figure = Figure(figsize=(WIDTH, height), layout="constrained")
                draw(figure.subplots(), *arguments, **named)
                if legend:
                    figure.legend(loc="outside lower center", ncols=legend, frameon=False)
                figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
            return text.getvalue()[text.getvalue().index("<svg") :]

        return drawn

    return decorate
