"""Pictures of test images and of how classes are confused."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.plots.style import COLOURS, picture, svg


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


COLUMNS = 4


def draw_gallery(images: NDArray[np.uint8], calls: Sequence[Mapping[str, Any]]) -> str:
    """Each image with its true class, the prediction and its probability; mistakes in colour.

    Args:
        images: uint8 (n, 28, 28, 1), dark on light on the page.
        calls: One for each image; see `hardest_images`.

    Returns:
        An SVG element.
    """
    titles = [
        f"true {call['label']}: {call['predicted']}\n{call['probability']:.3f}" for call in calls
    ]
    return _draw(images, titles, [call["predicted"] != call["label"] for call in calls], 1.45)


def draw_wrong_answers(images: NDArray[np.uint8], found: Sequence[Mapping[str, Any]]) -> str:
    """Each image with its true class, the most frequent wrong answer, and how many gave any.

    Args:
        images: uint8 (n, 28, 28, 1), dark on light on the page.
        found: One for each image; see `hardest_images_of_all`.

    Returns:
        An SVG element.
    """
    titles = [
        f"true {one['label']}: {one['predicted']}\n{one['wrong']} of {one['trials']}"
        for one in found
    ]
    return _draw(images, titles, [one["wrong"] == one["trials"] for one in found], 1.55)


def _draw(
    images: NDArray[np.uint8], titles: Sequence[str], stand_out: Sequence[bool], row_height: float
) -> str:
    rows = -(-len(titles) // COLUMNS)
    with picture(height=row_height * rows) as figure:
        for axes, image, title, stands_out in zip(
            figure.subplots(rows, COLUMNS, squeeze=False).flat,
            images,
            titles,
            stand_out,
            strict=False,
        ):
            axes.imshow(image[..., 0], cmap="gray_r", vmin=0, vmax=max(1, image.max()))
            colour, weight = (COLOURS[1], "bold") if stands_out else ("black", "normal")
            axes.set_title(title, size=8, color=colour, weight=weight)
        for axes in figure.axes:
            axes.axis("off")
        return svg(figure)
