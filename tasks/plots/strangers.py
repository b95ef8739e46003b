"""Top probabilities of known images and of strangers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tasks.plots.style import COLOURS, picture, svg


def draw_top_probabilities(head: Mapping[str, Any], classes: int) -> str:
    """Shares of the images by top probability (log scale), and the threshold of refusal.

    Args:
        head: See `tasks.abstain.Abstention`.
        classes: How many classes the head has.

    Returns:
        An SVG element.
    """
    edges = np.linspace(1 / classes, 1, len(head["known_counts"]) + 1)
    with picture(height=3.0) as figure:
        axes = figure.subplots()
        for key, name, colour, hatch in (
            ("known", "own classes", COLOURS[0], ""),
            ("stranger", "other classes", COLOURS[1], "///"),
        ):
            counts = np.asarray(head[f"{key}_counts"])
            axes.stairs(
                100 * counts / max(1, counts.sum()), edges, fill=True, alpha=0.45, color=colour,
                hatch=hatch, label=name,
            )  # fmt: skip
        label = f"threshold {head['threshold']:.4f}"
        axes.axvline(min(1, head["threshold"]), color="black", linestyle="--", label=label)
        axes.set(yscale="log", xlabel="top probability", ylabel="test images, %")
        axes.yaxis.set_major_formatter("{x:g}")
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
        return svg(figure)
