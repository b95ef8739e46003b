"""Images: confusion matrices, and test images with their predictions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tasks.plots.style import COLOURS, WIDTH, picture
from tasks.schemas.images import ClassName
from tasks.schemas.references import Pixels

COLUMNS = 4
MOST_COUNTED, MOST_TICKS = 20, 40  # classes with counts in their cells, and names along an axis
LINE = 122  # of a picture's text, in letters times points
LONG = 3  # letters, from which on names are turned


@picture(height=3.6)
def draw_confusion(
    axes: Any, confusion: Sequence[Sequence[int]], classes: Sequence[ClassName]
) -> None:
    """Test images by true and predicted class; errors are shaded by their number.

    Counts >= 0, (classes, classes), have a row for each true class and a column for each predicted
    one, in the order of the classes. Of many classes there is the shade alone, and not every name.
    """
    counts = np.asarray(confusion)
    errors = np.where(np.eye(len(classes), dtype=bool), 0, counts)
    axes.imshow(errors, cmap="Oranges", vmin=0, vmax=max(1, 1.5 * errors.max()))
    if len(classes) <= MOST_COUNTED:
        size = 10 if len(classes) <= 5 else 7 if len(classes) <= 10 else 5
        for (row, column), count in np.ndenumerate(counts):
            weight = "bold" if row == column else "normal"
            axes.text(column, row, f"{count}", ha="center", va="center", size=size, weight=weight)
    axes.set(xlabel="predicted class", ylabel="true class")
    name_ticks(axes, classes)
    axes.grid(visible=False)


def name_ticks(axes: Any, classes: Sequence[ClassName]) -> None:
    """Classes along both axes, every second or third one if there are many, long names turned."""
    step = -(-len(classes) // MOST_TICKS)
    ticks, names = range(0, len(classes), step), [short(name) for name in classes[::step]]
    is_long = max(map(len, names)) > LONG
    size = 7 if len(names) > MOST_COUNTED // 2 else None
    axes.set_xticks(ticks, names, rotation=90 if is_long else 0, size=size)
    axes.set_yticks(ticks, names, size=size)


def short(name: ClassName, letters: int = 14) -> str:
    """A class's name, cut if it is longer."""
    text = str(name)
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def draw_predictions(images: Pixels, rows: Sequence[Mapping[str, Any]]) -> str:
    """Each image with its true class, the prediction and its probability; errors in colour.

    Images uint8 (n, h, w, 1) are drawn dark on light, (n, h, w, 3) in their colours; each has a row
    with its `label`, `predicted`, `probability` 0..1, and whether its label is `in_doubt`.
    """
    doubt = {True: ", in doubt", False: ""}
    notes = [f"{row['probability']:.3f}{doubt[row['in_doubt']]}" for row in rows]
    return _draw(images, rows, notes, [row["predicted"] != row["label"] for row in rows], 1.45)


def draw_misclassified(images: Pixels, rows: Sequence[Mapping[str, Any]]) -> str:
    """The same, but a row has its `label`, the usual error `predicted`, and `wrong` of `trials`."""
    notes = [f"{row['wrong']} of {row['trials']}" for row in rows]
    return _draw(images, rows, notes, [row["wrong"] == row["trials"] for row in rows], 1.55)


@picture()
def _draw(
    axes: Any,
    images: Pixels,
    rows: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
    highlighted: Sequence[bool],
    row_height: float,
) -> None:
    lines, cell = -(-len(rows) // COLUMNS), row_height * COLUMNS / WIDTH  # a cell is 1 wide
    axes.figure.set_figheight(row_height * lines)
    for number, (image, row, note) in enumerate(zip(images, rows, notes, strict=True)):
        bottom, left = cell * (number // COLUMNS + 1), number % COLUMNS
        place = (left + 0.04, left + 0.96, bottom, bottom - 0.92)
        shown = image if image.shape[-1] == 3 else image[..., 0]
        axes.imshow(shown, "gray_r", vmin=0, vmax=max(1, image.max()), extent=place)
        colour, weight = (COLOURS[1], "bold") if highlighted[number] else ("black", "normal")
        style = {"ha": "center", "va": "bottom", "color": colour, "weight": weight}
        text = f"true {short(row['label'], 8)}: {short(row['predicted'], 8)}"
        size = min(8, LINE / len(text))
        axes.text(left + 0.5, bottom - 0.96, f"{text}\n{note}", size=size, **style)
    axes.set(xlim=(0, COLUMNS), ylim=(cell * lines, 0))
    axes.axis("off")
