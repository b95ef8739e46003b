"""A study's trials beside the labels: which predictions are right, and which are hardest."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from tasks.data.splits import Subset, select_classes
from tasks.networks.architecture import ONE_NODE
from tasks.reporting.page import Row
from tasks.schemas.images import ClassName
from tasks.schemas.references import Array, Integers, Mask
from tasks.trials.trial import Trial, TrialResult

MOST_SUBSETS, MOST_IMAGES = 6, 8
Item = TypeVar("Item")


@dataclass(frozen=True)
class ScoredTrial:
    """A trial's result, and which of its predictions are right, (n,); (0,) if it did not learn."""

    result: TrialResult
    rows: Integers  # the indices of its n test images among all test images, (n,)
    labels: Array  # their true classes, counted from 0, (n,)
    predicted: Integers  # counted from 0
    hits: Mask
    classes: tuple[ClassName, ...]  # what the trial's are called

    @property
    def trial(self) -> Trial:
        """What was trained."""
        return self.result.trial

    @property
    def errors(self) -> int | None:
        """The number of wrong predictions; None if it did not learn."""
        return int((~self.hits).sum()) if self.result.learned else None

    def about(self, *names: str) -> Row:
        """Some of what was trained, by names of a row, and `n`, how many images it is tested on."""
        row = dict(self.trial) | {"classes": list(self.classes), "n": len(self.labels)}
        return {name: row[name] for name in names}


def score_trials(
    results: Sequence[TrialResult], labels: Array, names: Sequence[ClassName]
) -> list[ScoredTrial]:
    """Results with their images' labels, of `labels` (n,); by recipe, classes, head and seed."""
    recipes = list(dict.fromkeys(result.trial.recipe for result in results))
    classes = {result.trial.classes for result in results}
    subsets = {one: select_classes(labels, one) for one in classes}

    def order(result: TrialResult) -> tuple[Any, ...]:
        one, is_one_node = result.trial, result.trial.head == ONE_NODE.name
        return recipes.index(one.recipe), len(one.classes), one.classes, is_one_node, one.seed

    ordered = sorted(results, key=order)
    return [_score(result, subsets[result.trial.classes], names) for result in ordered]


def group(items: Iterable[Item], key: Callable[[Item], Hashable]) -> list[list[Item]]:
    """The items that have a key in common, in the order in which they and their keys occur."""
    found: dict[Hashable, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return list(found.values())


def _score(result: TrialResult, subset: Subset, names: Sequence[ClassName]) -> ScoredTrial:
    predicted = result.probabilities.argmax(axis=1)
    hits = predicted == subset.labels if result.learned else np.zeros(0, bool)
    classes = tuple(names[position] for position in result.trial.classes)
    return ScoredTrial(result, subset.rows, subset.labels, predicted, hits, classes)


def hardest_subsets(scored: Sequence[ScoredTrial]) -> list[Row]:
    """Up to 6 recipes and subsets with errors, the lowest accuracy first, and 8 images of each.

    `predicted` is the most frequent wrong class, `probability` the mean one of the true class.
    """
    learned = [one for one in scored if one.result.learned]
    subsets = group(learned, lambda one: (one.trial.recipe, one.trial.classes))
    hardest = sorted(subsets, key=_accuracy)[:MOST_SUBSETS]
    return [
        {
            **trials[0].about("recipe", "classes"),
            "trials": len(trials),
            "accuracy": _accuracy(trials),
            "images": images,
        }
        for trials in hardest
        if (images := _hardest_images(trials))
    ]


def _hardest_images(trials: Sequence[ScoredTrial]) -> list[Row]:
    labels, rows, classes = trials[0].labels, trials[0].rows, trials[0].classes
    predicted = np.array([one.predicted for one in trials])
    wrong = (predicted != labels).sum(axis=0)
    probabilities = np.mean([one.result.probabilities for one in trials], axis=0)
    of_truth = probabilities[np.arange(len(labels)), labels]
    return [
        {
            "image": int(rows[i]),
            "label": classes[labels[i]],
            "predicted": classes[np.bincount(predicted[predicted[:, i] != labels[i], i]).argmax()],
            "wrong": int(wrong[i]),
            "trials": len(trials),
            "probability": float(of_truth[i]),
        }
        for i in np.lexsort((of_truth, -wrong))[:MOST_IMAGES]
        if wrong[i]
    ]


def _accuracy(trials: Sequence[ScoredTrial]) -> float:
    return float(np.mean([one.hits for one in trials]))
