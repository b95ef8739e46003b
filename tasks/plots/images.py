"""Images: confusion matrices, and test images with their predictions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.plots.style import COLOURS, WIDTH, picture, svg

COLUMNS = 4


def draw_confusion(confusion: Sequence[Sequence[int]], classes: Sequence[int]) -> str:
    """Test images by true and predicted class; errors are shaded by their number.

    Counts >= 0, (classes, classes), have a row for each true class and a column for each predicted
    one, in the order of the classes' labels.
    """
    counts = np.asarray(confusion)
    errors = np.where(np.eye(len(classes), dtype=bool), 0, counts)
    with picture(height=3.6) as (figure, axes):
        axes.imshow(errors, cmap="Oranges", vmin=0, vmax=max(1, 1.5 * errors.max()))
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


def draw_predictions(images: NDArray[np.uint8], rows: Sequence[Mapping[str, Any]]) -> str:
    """Each image with its true class, the prediction and its probability; errors in colour.

    Images uint8 (n, 28, 28, 1) of 0..max pixel are drawn dark on light; each has a row with its
    `label`, `predicted` and `probability` 0..1.
    """
    notes = [f"{row['probability']:.3f}" for row in rows]
    return _draw(images, rows, notes, [row["predicted"] != row["label"] for row in rows], 1.45)


def draw_misclassified(images: NDArray[np.uint8], rows: Sequence[Mapping[str, Any]]) -> str:
    """Each image with its true class, the usual wrong prediction, and how many trials are wrong.

    As `draw_predictions`, but a row has its `label`, `predicted`, and `wrong` of `trials`.
    """
    notes = [f"{row['wrong']} of {row['trials']}" for row in rows]
    return _draw(images, rows, notes, [row["wrong"] == row["trials"] for row in rows], 1.55)


def _draw(
    images: NDArray[np.uint8],
    rows: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
    highlighted: Sequence[bool],
    row_height: float,
) -> str:
    lines, cell = -(-len(rows) // COLUMNS), row_height * COLUMNS / WIDTH  # a cell is 1 wide
    with picture(row_height * lines) as (figure, axes):
        for number, (image, row, note) in enumerate(zip(images, rows, notes, strict=True)):
            bottom, left = cell * (number // COLUMNS + 1), number % COLUMNS
            place = (left + 0.04, left + 0.96, bottom, bottom - 0.92)
            axes.imshow(image[..., 0], "gray_r", vmin=0, vmax=max(1, image.max()), extent=place)
            colour, weight = (COLOURS[1], "bold") if highlighted[number] else ("black", "normal")
            style = {"ha": "center", "va": "bottom", "size": 8, "color": colour, "weight": weight}
            text = f"true {row['label']}: {row['predicted']}\n{note}"
            axes.text(left + 0.5, bottom - 0.96, text, **style)
        axes.set(xlim=(0, COLUMNS), ylim=(cell * lines, 0))
        axes.axis("off")
        return svg(figure)
