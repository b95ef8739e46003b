"""How sure a head is of known images and of strangers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tasks.plots.style import COLOURS, picture, svg


def draw_doubt(head: Mapping[str, Any]) -> str:
    """Shares of the images by doubt, 1 minus the top probability, and the threshold of refusal.

    Args:
        head: See `tasks.abstain.Abstention`.

    Returns:
        An SVG element.
    """
    doubts = head["doubts"]
    with picture(height=3.0) as figure:
        axes = figure.subplots()
        for key, name, colour, hatch in (
            ("known", "own classes", COLOURS[0], ""),
            ("stranger", "other classes", COLOURS[1], "///"),
        ):
            counts = np.asarray(head[f"{key}_counts"])
            share = 100 * counts / max(1, counts.sum())
            axes.stairs(share, doubts, fill=True, alpha=0.45, color=colour, hatch=hatch, label=name)
        threshold = np.clip(1 - head["threshold"], doubts[0], doubts[-1])
        axes.axvline(threshold, color="black", linestyle="--", label="threshold")
        axes.set(xscale="log", xlabel="probability of the other classes", ylabel="test images, %")
        axes.invert_xaxis()
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
        return svg(figure)
