"""Did transfer help: the frozen backbone against the other approaches, with few labels and all."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.schemas.results import LabelEfficiency, Point
from tasks.statistics.pairs import compare_paired


def describe_label_efficiency(
    recipe: str, approaches: Sequence[LabelEfficiency], hits: Sequence[NDArray[np.bool_]]
) -> dict[str, Any]:
    """Every approach's accuracies by labelled images, and its paired test against the first.

    Args:
        recipe: By which recipe the networks were trained.
        approaches: An approach each, the frozen backbone first.
        hits: For each, which test images it got right when trained on all, bool (n,).
    """
    return {
        "recipe": recipe,
        "draws": len(approaches[0].points[0].accuracies),
        "n": len(hits[0]),
        "approaches": [
            {
                "approach": one.approach,
                "points": [_describe_point(point) for point in one.points],
                "errors": int((~hit).sum()),
                "against_frozen": compare_paired(hits[0], hit).model_dump(),
            }
            for one, hit in zip(approaches, hits, strict=True)
        ],
    }


def _describe_point(point: Point) -> dict[str, Any]:
    return {
        "images": point.images,
        "mean": float(np.mean(point.accuracies)),
        "low": min(point.accuracies),
        "high": max(point.accuracies),
        "accuracies": list(point.accuracies),
    }
