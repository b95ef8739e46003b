"""The comparison of models and of approaches, and the notebook's numbers beside it."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tasks.reporting.experiment import records
from tasks.schemas.images import ClassName
from tasks.schemas.results import LabelEfficiency, Point, Refusal, Result
from tasks.statistics.paired import PairedCounts, compare_paired

# Test loss and accuracy that the notebook published, on MNIST with the classes 0 and 1.
PUBLISHED = {
    "base": (0.01645, 0.877),
    "two-node": (0.00054, 0.99953),
    "one-node": (0.00105, 0.99953),
}
CLASSES_OF_THE_NOTEBOOK = (0, 1)


def describe_models(
    results: Sequence[Result], is_mnist: bool, classes: tuple[ClassName, ...]
) -> list[records.ModelRow]:
    """A row for each model, as in `metrics.json`: its scores, training and weights.

    The published numbers are given for the notebook's own case only, and None otherwise.
    """
    is_the_notebooks = is_mnist and classes == CLASSES_OF_THE_NOTEBOOK
    return [_describe_model(result, is_the_notebooks) for result in results]


def _describe_model(result: Result, is_the_notebooks: bool) -> records.ModelRow:
    trained, scores = result.trained, result.evaluation.scores
    published = PUBLISHED.get(trained.name) if is_the_notebooks else None
    loss, accuracy = published or (None, None)
    return {
        "recipe": result.recipe,
        "model": trained.name,
        "loss": scores.loss,
        "accuracy": scores.accuracy,
        "errors": scores.errors,
        "n": scores.n,
        "learned": scores.learned,
        "log_loss": scores.log_loss,
        "calibration_error": scores.calibration_error,
        "confusion": [list(row) for row in scores.confusion],
        "low": scores.interval.low,
        "high": scores.interval.high,
        "attempts": len(trained.attempts),
        "epochs": len(trained.attempts[-1].history.epochs),
        "precision": trained.precision,
        "fit_seconds": sum(attempt.history.seconds for attempt in trained.attempts),
        "weights_sha256": trained.model.weights_sha256,
        "parameters": trained.model.parameters,
        "trainable_parameters": trained.model.trainable_parameters,
        "published_loss": loss,
        "published_accuracy": accuracy,
        "attempt_log": [attempt.model_dump(mode="json") for attempt in trained.attempts],
    }


def describe_label_efficiency(
    recipe: str, approaches: Sequence[LabelEfficiency], hits: Sequence[NDArray[np.bool_]]
) -> records.LabelEfficiencyRow:
    """Every approach's accuracies by labelled images, and its paired test against the first.

    That is the frozen backbone; `hits`, bool (n,) for each approach, are the test images that it
    got right when trained on all.
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
                "against_frozen": describe_pairs(compare_paired(hits[0], hit)),
            }
            for one, hit in zip(approaches, hits, strict=True)
        ],
    }


def _describe_point(point: Point) -> records.PointRow:
    return {
        "images": point.images,
        "mean": float(np.mean(point.accuracies)),
        "low": min(point.accuracies),
        "high": max(point.accuracies),
        "accuracies": list(point.accuracies),
    }


def describe_pairs(pairs: PairedCounts) -> records.PairedRow:
    """Two models on the same images."""
    return cast(records.PairedRow, pairs.model_dump())


def describe_unknown(recipe: str, head: Refusal) -> records.UnknownRow:
    """A head on images of unknown classes."""
    return cast(records.UnknownRow, {"recipe": recipe, **head.model_dump(mode="json")})
