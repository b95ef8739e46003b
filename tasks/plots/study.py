"""A study: the errors of all pairs, and their spread over seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tasks.networks.architecture import ONE_NODE
from tasks.plots.images import name_ticks, short
from tasks.plots.style import COLOURS, MARKERS, picture
from tasks.schemas.images import ClassName

MOST_SUBSETS = 45
TICKS = (0, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


@picture(height=4.5)
def draw_pairs(
    axes: Any, transfers: Sequence[Mapping[str, Any]], classes: Sequence[ClassName]
) -> None:
    """Mean errors on each pair: above the diagonal of two nodes, below it of one node.

    Cells are shaded by the square root of the errors; where no seed learned, it is `dead`. The
    transfers have `classes`, `head` and `mean_errors` >= 0 or None; others are left out.
    """
    place = {name: number for number, name in enumerate(classes)}
    shades = np.full((len(classes), len(classes)), np.nan)
    for transfer in transfers:
        if len(transfer["classes"]) != 2:
            continue
        low, high = sorted(place[name] for name in transfer["classes"])
        row, column = (high, low) if transfer["head"] == ONE_NODE.name else (low, high)
        errors = transfer["mean_errors"]
        shades[row, column] = np.nan if errors is None else np.sqrt(errors)
        # at most four characters, which fit into a cell
        text = "dead" if errors is None else f"{errors:.{int(errors < 99.95)}f}"
        axes.text(column, row, text, ha="center", va="center", size=8)
    axes.imshow(shades, cmap="Oranges", vmin=0, vmax=1.5 * np.nanmax(shades, initial=1))
    corners = [-0.5, len(classes) - 0.5]
    axes.plot(corners, corners, color="black", linewidth=0.5)
    axes.set(xlabel="one node below the diagonal", ylabel="two nodes above the diagonal")
    name_ticks(axes, classes)
    axes.grid(visible=False)


@picture(legend=3)
def draw_spread(axes: Any, transfers: Sequence[Mapping[str, Any]]) -> None:
    """A dot for each seed that learned: its errors, by subset and head, the hardest subset on top.

    The transfers of one recipe have `classes`, `head`, `accuracy` 0..1 and `errors`, one for each
    seed, >= 0 or None. At most 45 subsets are drawn, the least accurate.
    """
    subsets = _hardest_first(transfers)[:MOST_SUBSETS]
    drawn = [row for row in transfers if tuple(row["classes"]) in subsets]
    heads = list(dict.fromkeys(row["head"] for row in drawn))
    axes.figure.set_figheight(1.0 + 0.15 * len(subsets))
    for index, head in enumerate(heads):
        rows = [row for row in drawn if row["head"] == head]
        # from the subset's line, so that heads do not overlap
        distance = 0.4 * (index - (len(heads) - 1) / 2) / max(1, len(heads) - 1)
        dots = [
            (errors, subsets.index(tuple(row["classes"])) + distance)
            for row in rows
            for errors in row["errors"]
            if errors is not None
        ]
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        style = {"color": colour, "marker": marker, "markersize": 3, "alpha": 0.7}
        axes.plot(*np.array(dots).reshape(-1, 2).T, linestyle="none", label=head, **style)
    axes.set_yticks(range(len(subsets)), [" ".join(map(short, one)) for one in subsets], size=7)
    axes.set(xlabel="errors on test images", ylim=(len(subsets) - 0.4, -0.6))
    axes.set_xscale("symlog", linthresh=10)
    axes.set_xlim(left=-0.5)
    axes.set_xticks([tick for tick in TICKS if tick <= axes.get_xlim()[1]])
    axes.xaxis.set_major_formatter("{x:g}")


def _hardest_first(transfers: Sequence[Mapping[str, Any]]) -> list[tuple[ClassName, ...]]:
    accuracies: dict[tuple[ClassName, ...], list[float]] = {}
    for row in transfers:
        if row["learned"]:
            accuracies.setdefault(tuple(row["classes"]), []).append(row["accuracy"])
    return sorted(accuracies, key=lambda classes: float(np.mean(accuracies[classes])))
