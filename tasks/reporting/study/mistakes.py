"""Which subsets are hardest to tell apart, and on which images they fail."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.reporting.study.graded import Graded, group

MOST_SUBSETS = 6
MOST_IMAGES = 8


def hardest_subsets(graded: Sequence[Graded]) -> list[dict[str, Any]]:
    """Up to 6 recipes and subsets with mistakes, the lowest mean accuracy over all trials first."""
    learned = [one for one in graded if one.result.learned]
    subsets = group(learned, lambda trial: (trial.recipe, trial.classes))
    hardest = sorted(subsets.values(), key=_accuracy)[:MOST_SUBSETS]
    rows: list[dict[str, Any]] = [
        {
            "recipe": trials[0].trial.recipe,
            "classes": list(trials[0].trial.classes),
            "trials": len(trials),
            "accuracy": _accuracy(trials),
            "images": hardest_images_of_all(trials),
        }
        for trials in hardest
    ]
    return [row for row in rows if row["images"]]


def hardest_images_of_all(trials: Sequence[Graded]) -> list[dict[str, Any]]:
    """Up to 8 test images that trials of one subset got wrong, those that most did first.

    Of images that as many got wrong, the one with the least mean probability of the true class
    comes first. `predicted` is the most frequent of the wrong answers.
    """
    labels, rows, classes = trials[0].labels, trials[0].rows, trials[0].trial.classes
    answers = np.array([one.answers for one in trials])
    wrong = (answers != labels).sum(axis=0)
    of_truth = np.mean(
        [one.result.probabilities[np.arange(len(labels)), labels] for one in trials], axis=0
    )
    found = [i for i in np.lexsort((of_truth, -wrong))[:MOST_IMAGES] if wrong[i]]
    return [
        {
            "image": int(rows[i]),
            "label": classes[labels[i]],
            "predicted": classes[np.bincount(answers[answers[:, i] != labels[i], i]).argmax()],
            "wrong": int(wrong[i]),
            "trials": len(trials),
            "probability": float(of_truth[i]),
        }
        for i in found
    ]


def _accuracy(trials: Sequence[Graded]) -> float:
    return float(np.mean([one.hits for one in trials]))
