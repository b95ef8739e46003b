"""Images with what a model said of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.plots.style import COLOURS, picture, svg

COLUMNS = 4


def draw_gallery(images: NDArray[np.uint8], calls: Sequence[Mapping[str, Any]]) -> str:
    """Each image with its true class, the prediction and its probability; mistakes in colour.

    Args:
        images: uint8 (n, 28, 28, 1), dark on light on the page.
        calls: One for each image; see `hardest_images`.

    Returns:
        An SVG element.
    """
    rows = -(-len(calls) // COLUMNS)
    with picture(height=1.45 * rows) as figure:
        for axes, image, call in zip(
            figure.subplots(rows, COLUMNS, squeeze=False).flat, images, calls, strict=False
        ):
            axes.imshow(image[..., 0], cmap="gray_r", vmin=0, vmax=max(1, image.max()))
            is_wrong = call["predicted"] != call["label"]
            colour = COLOURS[1] if is_wrong else "black"
            text = f"true {call['label']}: {call['predicted']}\n{call['probability']:.3f}"
            axes.set_title(text, size=8, color=colour, weight="bold" if is_wrong else "normal")
        for axes in figure.axes:
            axes.axis("off")
        return svg(figure)
