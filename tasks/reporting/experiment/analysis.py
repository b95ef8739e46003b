"""What the sections of an experiment's report say, from probabilities and labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.networks.architecture import ONE_NODE, softmax_head
from tasks.reporting.experiment.records import (
    Analysis,
    HeadsRow,
    ImageRow,
    LabelEfficiencyRow,
    ModelRow,
    UnknownRow,
)
from tasks.reporting.experiment.verdict import reach_verdict
from tasks.statistics.paired import compare_paired

MOST_DIFFERENCES = 5
MOST_IMAGES = 12


def compare_heads(
    recipe: str,
    two: NDArray[np.float32],
    one: NDArray[np.float32],
    labels: NDArray[np.integer],
    rows: NDArray[np.intp],
    classes: tuple[int, ...],
) -> HeadsRow:
    """Agreement, McNemar's test, and the images on which the probabilities are furthest apart.

    Args:
        recipe: By which both were trained.
        two: Probabilities of the two-node head, (n, 2).
        one: Those of the one-node head, with a column for each class too, (n, 2).
        labels: True classes 0 and 1, (n,).
        rows: Where the images stand among all test images, (n,).
        classes: What the classes are called.
    """
    calls = two.argmax(axis=1), one.argmax(axis=1)
    pairs = compare_paired(calls[0] == labels, calls[1] == labels)
    distances = np.abs(two[:, 1] - one[:, 1])
    furthest = np.argsort(-distances, kind="stable")[:MOST_DIFFERENCES]
    return {
        "recipe": recipe,
        "both": pairs.both,
        "only_first": pairs.only_first,
        "only_second": pairs.only_second,
        "neither": pairs.neither,
        "p_value": pairs.p_value,
        "n": pairs.n,
        "agreement": float((calls[0] == calls[1]).mean()),
        "differences": [
            {
                "image": int(rows[i]),
                "label": classes[labels[i]],
                "two_node": float(two[i, 1]),
                "one_node": float(one[i, 1]),
            }
            for i in furthest
        ],
    }


def hardest_images(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.integer],
    rows: NDArray[np.intp],
    classes: tuple[int, ...],
) -> list[ImageRow]:
    """Up to 12 images, those with the least probability of their true class first.

    Args:
        probabilities: (n, classes).
        labels: True classes, counted from 0, (n,).
        rows: Where the images stand among all test images, (n,).
        classes: What the classes are called.
    """
    of_truth = probabilities[np.arange(len(labels)), labels]
    predicted = probabilities.argmax(axis=1)
    return [
        {
            "image": int(rows[i]),
            "label": classes[labels[i]],
            "predicted": classes[predicted[i]],
            "probability": float(probabilities[i].max()),
        }
        for i in np.argsort(of_truth, kind="stable")[:MOST_IMAGES]
    ]


@dataclass(frozen=True)
class Answers:
    """What one model said of the test images of its classes.

    Attributes:
        probabilities: float32 (n, classes).
        labels: True classes, counted from 0, (n,).
        rows: Where the images stand among all test images, (n,).
        classes: What the classes are called.
    """

    recipe: str
    model: str
    probabilities: NDArray[np.float32]
    labels: NDArray[np.integer]
    rows: NDArray[np.intp]
    classes: tuple[int, ...]


def analyse(
    models: Sequence[ModelRow],
    answers: Sequence[Answers],
    unknown_classes: Sequence[UnknownRow],
    label_efficiency: LabelEfficiencyRow | None,
    class_counts: Sequence[dict[str, int]] = (),
) -> Analysis:
    """Every section's numbers in JSON types, the verdict first.

    Args:
        models: A row for each model; see `describe_models`.
        answers: The same models' answers.
        unknown_classes: A row for each head.
        label_efficiency: See `describe_label_efficiency`; None if there was none.
        class_counts: Training and test images of each class.
    """
    heads = [
        found
        for recipe in dict.fromkeys(answer.recipe for answer in answers)
        if (found := _compare_heads([a for a in answers if a.recipe == recipe])) is not None
    ]
    return {
        "verdict": reach_verdict(models, heads, label_efficiency, unknown_classes),
        "models": list(models),
        "heads": heads,
        "label_efficiency": label_efficiency,
        "mistakes": [
            {
                "recipe": one.recipe,
                "model": one.model,
                "images": hardest_images(one.probabilities, one.labels, one.rows, one.classes),
            }
            for one in answers
        ],
        "unknown_classes": list(unknown_classes),
        "class_counts": list(class_counts),
    }


def _compare_heads(answers: Sequence[Answers]) -> HeadsRow | None:
    by_name = {answer.model: answer for answer in answers}
    two, one = by_name.get(softmax_head(2).name), by_name.get(ONE_NODE.name)
    if two is None or one is None:
        return None
    return compare_heads(
        two.recipe, two.probabilities, one.probabilities, two.labels, two.rows, two.classes
    )
