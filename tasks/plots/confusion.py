"""Confusion matrices."""

from collections.abc import Sequence

import numpy as np

from tasks.plots.style import picture, svg


def draw_confusion(confusion: Sequence[Sequence[int]], classes: Sequence[int]) -> str:
    """Test images by true and predicted class; mistakes are shaded by how many there are.

    Args:
        confusion: Counts, a row for each true class, (classes, classes).
        classes: What the classes are called.

    Returns:
        An SVG element.
    """
    counts = np.asarray(confusion)
    mistakes = np.where(np.eye(len(classes), dtype=bool), 0, counts)
    with picture(height=3.6) as figure:
        axes = figure.subplots()
        axes.imshow(mistakes, cmap="Oranges", vmin=0, vmax=max(1, 1.5 * mistakes.max()))
        for (row, column), count in np.ndenumerate(counts):
            weight = "bold" if row == column else "normal"
            size = 7 if len(classes) > 5 else 10
            axes.text(column, row, f"{count}", ha="center", va="center", size=size, weight=weight)
        ticks = range(len(classes))
        axes.set(xlabel="predicted class", ylabel="true class")
        axes.set_xticks(ticks, classes)
        axes.set_yticks(ticks, classes)
        axes.grid(visible=False)
        return svg(figure)
