"""All pairs of digits at once."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tasks.networks.architecture import ONE_NODE
from tasks.plots.style import picture, svg

DIGITS = 10


def draw_pairs(transfers: Sequence[Mapping[str, Any]]) -> str:
    """Mean errors on each pair: above the diagonal of two nodes, below it of one node.

    Cells are shaded by the square root of the errors, or a few bad pairs would leave all others
    the same. A pair that was not tried is empty; `dead` is one on which no seed learned.

    Args:
        transfers: Those of one recipe; see `describe_transfers`. Larger subsets are left out.

    Returns:
        An SVG element.
    """
    shades = np.full((DIGITS, DIGITS), np.nan)
    with picture(height=4.5) as figure:
        axes = figure.subplots()
        for transfer in transfers:
            if len(transfer["classes"]) != 2:
                continue
            low, high = sorted(transfer["classes"])
            row, column = (high, low) if transfer["head"] == ONE_NODE.name else (low, high)
            errors = transfer["mean_errors"]
            shades[row, column] = np.nan if errors is None else np.sqrt(errors)
            text = "dead" if errors is None else _short(errors)
            axes.text(column, row, text, ha="center", va="center", size=8)
        most = np.nanmax(shades, initial=1)
        axes.imshow(shades, cmap="Oranges", vmin=0, vmax=1.5 * most)
        axes.plot([-0.5, DIGITS - 0.5], [-0.5, DIGITS - 0.5], color="black", linewidth=0.5)
        axes.set(xlabel="one node below the diagonal", ylabel="two nodes above the diagonal")
        axes.set_xticks(range(DIGITS))
        axes.set_yticks(range(DIGITS))
        axes.grid(visible=False)
        return svg(figure)


def _short(errors: float) -> str:
    """As many digits as a cell has room for."""
    return f"{errors:.1f}" if errors < 99.95 else f"{errors:.0f}"
