"""Recall: how often each class is recognised, which accuracy hides where classes are unequal."""

from collections.abc import Sequence

import numpy as np

from tasks.reporting.page import Finding, Row, say
from tasks.schemas.images import ClassName
from tasks.statistics.estimates import CONFIDENCE, exact_interval

UNEQUAL = 2  # times as many test images as another class has


def describe_recall(confusion: Sequence[Sequence[int]], classes: Sequence[ClassName]) -> Row:
    """Each class's recall with its exact interval, the least first, from a confusion matrix.

    `most` is the upper end of its interval if the confidence is shared by all classes. A class
    without a test image is left out. The balanced accuracy is the mean of the recalls.
    """
    hits, counts = np.diag(confusion), np.sum(confusion, axis=1)
    tested = [at for at in np.argsort(hits / np.maximum(1, counts), kind="stable") if counts[at]]
    rows = [
        _describe_class(classes[at], int(hits[at]), int(counts[at]), len(tested)) for at in tested
    ]
    balanced = float(np.mean([row["hits"] / row["n"] for row in rows]))
    return {"balanced_accuracy": balanced, "classes": rows}


def _describe_class(name: ClassName, hits: int, n: int, classes: int) -> Row:
    low, high = exact_interval(hits, n)
    most = exact_interval(hits, n, 1 - (1 - CONFIDENCE) / classes).high
    return {"name": name, "n": n, "hits": hits, "low": low, "high": high, "most": most}


def judge_recall(models: Sequence[Row]) -> Finding | None:
    """Whether a class is recognised less often than the accuracy says; None if nothing is to say.

    That is where classes are equal in number, and none is shown to be.
    """
    worse = [(model, rows) for model in models if (rows := _behind(model))]
    counts = [row["n"] for model in models for row in model["recall"]["classes"]]
    if not worse and max(counts) < UNEQUAL * min(counts):
        return None
    return say("experiment", "recall", models, worse)


def _behind(model: Row) -> list[Row]:
    return [row for row in model["recall"]["classes"] if row["most"] < model["accuracy"]]
