"""What the report's sections say, computed from probabilities and labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.data.splits import rows_by_part
from tasks.networks.architecture import ONE_NODE, softmax_head
from tasks.reporting.page import Row
from tasks.schemas.images import ClassName
from tasks.statistics.paired import compare_paired

MOST_DIFFERENCES = 5
LEAST_IMAGES, MOST_IMAGES = 12, 30  # of a model; as many as it makes errors, if that is between


@dataclass(frozen=True)
class Predictions:
    """One model's predictions of the test images of its classes."""

    recipe: str
    model: str
    probabilities: NDArray[np.float32]  # (n, classes), 0..1; of one node there are two columns, too
    labels: NDArray[np.integer]  # the true classes, counted from 0, (n,)
    rows: NDArray[np.intp]  # the images' indices among all test images, (n,)
    classes: tuple[ClassName, ...]  # what these are called

    @property
    def predicted(self) -> NDArray[np.intp]:
        """The most probable classes, counted from 0, (n,)."""
        found: NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return found


def analyse(
    models: Sequence[Row],
    as_published: Sequence[Row],
    predictions: Sequence[Predictions],
    refusals: Sequence[Row],
    label_efficiency: Row | None,
    base: Row,
    overlap: Row,
    parts: Sequence[Row] = (),
    class_counts: Sequence[Row] = (),
) -> Row:
    """Every section's numbers in JSON types; see what makes the rows, and `compare`."""
    return {
        "base": base,
        "models": list(models),
        "as_published": list(as_published),
        "heads": compare_heads(predictions),
        "label_efficiency": label_efficiency,
        "mistakes": [
            {
                "recipe": one.recipe,
                "model": one.model,
                "in_doubt": int(find_doubts(one).sum()),
                "images": find_hardest(one),
            }
            for one in predictions
        ],
        "overlap": overlap,
        "parts": list(parts),
        "refusals": list(refusals),
        "class_counts": list(class_counts),
    }


def compare_heads(predictions: Sequence[Predictions]) -> list[Row]:
    """The two-node against the one-node head by each recipe that has both."""
    found = {(one.recipe, one.model): one for one in predictions}
    two = softmax_head(2).name
    return [
        _compare(found[recipe, two], one)
        for (recipe, model), one in found.items()
        if model == ONE_NODE.name and (recipe, two) in found
    ]


def find_doubts(model: Predictions) -> NDArray[np.bool_]:
    """Which labels, (n,), are in doubt, rather than the model in error.

    Those of which the model is wrong, and as sure of its own answer as it is, on average, of images
    that have that label (Northcutt, Jiang and Chuang, Journal of Artificial Intelligence Research
    70, 2021, equation 2).
    """
    found = np.zeros(len(model.labels), bool)
    for position in range(len(model.classes)):
        sure = model.probabilities[:, position]
        own = model.labels == position
        bound = sure[own].mean() if own.any() else np.inf
        found |= (model.predicted == position) & ~own & (sure >= bound)
    return found


def describe_overlap(mask: NDArray[np.bool_], predictions: Sequence[Predictions]) -> Row:
    """How many test images have near duplicates in training, and how models do without them."""
    without = [(one, (one.predicted == one.labels)[~mask[one.rows]]) for one in predictions]
    return {
        "images": int(mask.sum()),
        "n": len(mask),
        "models": [
            {"recipe": one.recipe, "model": one.model, "n": len(hits), "hits": int(hits.sum())}
            for one, hits in without
        ],
    }


def count_by_part(
    parts: Sequence[tuple[str, int]], predictions: Sequence[Predictions]
) -> list[Row]:
    """How models do on test images by where these are from, which have so many one by one."""
    return [
        {
            "recipe": one.recipe,
            "model": one.model,
            "part": name,
            "n": int(found.sum()),
            "hits": int((found & (one.predicted == one.labels)).sum()),
        }
        for one in predictions
        for name, found in rows_by_part(parts, one.rows).items()
    ]


def find_hardest(model: Predictions) -> list[Row]:
    """12 to 30 images, those with the lowest probability of their true class first."""
    of_truth = model.probabilities[np.arange(len(model.labels)), model.labels]
    errors, in_doubt = int((model.predicted != model.labels).sum()), find_doubts(model)
    most = min(max(errors, LEAST_IMAGES), MOST_IMAGES)
    return [
        {
            "image": int(model.rows[i]),
            "label": model.classes[model.labels[i]],
            "predicted": model.classes[model.predicted[i]],
            "probability": float(model.probabilities[i].max()),
            "in_doubt": bool(in_doubt[i]),
        }
        for i in np.argsort(of_truth, kind="stable")[:most]
    ]


def _compare(two: Predictions, one: Predictions) -> Row:
    """Agreement, McNemar's test, and the images whose probabilities differ most."""
    pairs = compare_paired(two.predicted == two.labels, one.predicted == one.labels)
    second = two.probabilities[:, 1], one.probabilities[:, 1]
    furthest = np.argsort(-np.abs(second[0] - second[1]), kind="stable")[:MOST_DIFFERENCES]
    return {
        "recipe": two.recipe,
        **pairs._asdict(),
        "n": pairs.n,
        "agreement": float((two.predicted == one.predicted).mean()),
        "differences": [
            {
                "image": int(two.rows[i]),
                "label": two.classes[two.labels[i]],
                "two_node": float(second[0][i]),
                "one_node": float(second[1][i]),
            }
            for i in furthest
        ],
    }
