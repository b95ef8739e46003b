"""A study's trials beside the labels: which predictions are right, and which are hardest."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tasks.data.labels import Subset, select_classes
from tasks.networks.architecture import ONE_NODE
from tasks.reporting.study.records import HardestRow, WrongRow
from tasks.trials.trial import Trial, TrialResult

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Graded:
    """A trial's result and which of its answers are right.

    Attributes:
        result: The trial's.
        rows: Where its n test images stand among all test images, (n,).
        labels: Their true classes, counted from 0, (n,).
        answers: What it called them, (n,); (0,) if it never learned.
        hits: Which it got right, bool (n,); (0,) if it never learned.
    """

    result: TrialResult
    rows: NDArray[np.intp]
    labels: NDArray[np.uint8]
    answers: NDArray[np.uint8]
    hits: NDArray[np.bool_]

    @property
    def trial(self) -> Trial:
        """What was trained."""
        return self.result.trial

    @property
    def errors(self) -> int | None:
        """How many test images it got wrong; None if it never learned."""
        return int((~self.hits).sum()) if self.result.learned else None


def grade(results: Sequence[TrialResult], labels: NDArray[np.uint8]) -> list[Graded]:
    """Every result beside the labels (n,) of all test images.

    They are ordered by recipe as it first comes up, classes, head and seed: trials may be finished
    in any order.

    Raises:
        InputError: A trial's class has no test image.
    """
    recipes = list(dict.fromkeys(result.trial.recipe for result in results))
    classes = {result.trial.classes for result in results}
    subsets = {one: select_classes(labels, one, "test") for one in classes}
    return [
        _grade(result, subsets[result.trial.classes])
        for result in sorted(results, key=lambda one: _place(one.trial, recipes))
    ]


def group(trials: Sequence[Graded], key: Callable[[Trial], Key]) -> dict[Key, list[Graded]]:
    """The trials that have a key in common, in their order."""
    found: dict[Key, list[Graded]] = {}
    for one in trials:
        found.setdefault(key(one.trial), []).append(one)
    return found


def _grade(result: TrialResult, subset: Subset) -> Graded:
    answers = result.probabilities.argmax(axis=1).astype(np.uint8)
    hits = answers == subset.labels if result.learned else np.zeros(0, bool)
    return Graded(result, subset.rows, subset.labels, answers, hits)


def _place(trial: Trial, recipes: list[str]) -> tuple[int, int, tuple[int, ...], bool, int]:
    is_one_node = trial.head == ONE_NODE.name
    place = recipes.index(trial.recipe), len(trial.classes)
    return *place, trial.classes, is_one_node, trial.seed


MOST_SUBSETS = 6
MOST_IMAGES = 8


def hardest_subsets(graded: Sequence[Graded]) -> list[HardestRow]:
    """Up to 6 recipes and subsets with mistakes, the lowest mean accuracy over all trials first."""
    learned = [one for one in graded if one.result.learned]
    subsets = group(learned, lambda trial: (trial.recipe, trial.classes))
    hardest = sorted(subsets.values(), key=_accuracy)[:MOST_SUBSETS]
    rows: list[HardestRow] = [
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


def hardest_images_of_all(trials: Sequence[Graded]) -> list[WrongRow]:
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
