"""Accuracy against the number of labelled images."""

from collections.abc import Mapping
from typing import Any

from tasks.plots.style import COLOURS, picture, svg

MARKERS = "osD^"


def draw_label_efficiency(label_efficiency: Mapping[str, Any]) -> str:
    """A line for each approach: the mean of its draws, in a band from the worst to the best.

    Args:
        label_efficiency: See `describe_label_efficiency`.

    Returns:
        An SVG element.
    """
    with picture(height=3.4) as figure:
        axes = figure.subplots()
        for one, colour, marker in zip(
            label_efficiency["approaches"], COLOURS, MARKERS, strict=False
        ):
            images = [point["images"] for point in one["points"]]
            low, mean, high = (
                [100 * point[key] for point in one["points"]] for key in ("low", "mean", "high")
            )
            axes.fill_between(images, low, high, color=colour, alpha=0.15, linewidth=0)
            label = one["approach"]
            axes.plot(images, mean, color=colour, marker=marker, markersize=4, label=label)
        axes.set(xscale="log", xlabel="labelled images", ylabel="test accuracy, %")
        axes.xaxis.set_major_formatter("{x:g}")
        figure.legend(loc="outside lower center", ncols=4, frameon=False)
        return svg(figure)
