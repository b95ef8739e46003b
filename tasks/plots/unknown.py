"""How sure a head is of images of its own classes and of unknown ones."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tasks.plots.style import COLOURS, picture, svg


def draw_uncertainty(head: Mapping[str, Any]) -> str:
    """Shares of the images by uncertainty, 1 minus the top probability, and the threshold.

    Args:
        head: See `tasks.evaluate_refusal.Refusal`.

    Returns:
        An SVG element.
    """
    uncertainties = head["uncertainties"]
    with picture(height=3.0) as figure:
        axes = figure.subplots()
        for key, name, colour, hatch in (
            ("known", "own classes", COLOURS[0], ""),
            ("unknown", "other classes", COLOURS[1], "///"),
        ):
            counts = np.asarray(head[f"{key}_counts"])
            share = 100 * counts / max(1, counts.sum())
            axes.stairs(
                share, uncertainties, fill=True, alpha=0.45, color=colour, hatch=hatch, label=name
            )
        threshold = np.clip(1 - head["threshold"], uncertainties[0], uncertainties[-1])
        axes.axvline(threshold, color="black", linestyle="--", label="threshold")
        axes.set(xscale="log", xlabel="probability of the other classes", ylabel="test images, %")
        axes.invert_xaxis()
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
        return svg(figure)
