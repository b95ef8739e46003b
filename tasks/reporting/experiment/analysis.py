"""What the report's sections say, computed from probabilities and labels."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.data.splits import rows_by_part
from tasks.networks.architecture import ONE_NODE, softmax_head
from tasks.reporting.page import Row, percent, phrase
from tasks.schemas.images import ClassName
from tasks.schemas.references import Floats, Integers, Mask
from tasks.schemas.results import OTHER_CLASSES, Refusal, Result
from tasks.schemas.training import LEARNED
from tasks.statistics.estimates import CONFIDENCE, chance_of_hits, exact_interval
from tasks.statistics.paired import compare_paired

# Of the table of models.
COLUMNS = (
    "recipe", "model", "accuracy", "low", "high", "errors", "n", "learned", "log_loss",
    "calibration_error", "loss", "parameters", "trainable_parameters", "fit_seconds", "attempts",
    "epochs", "published_loss", "published_accuracy",
)  # fmt: skip
# Test loss and accuracy that the notebook published, on MNIST with the classes 0 and 1.
PUBLISHED = {
    "base": (0.01645, 0.877),
    "two-node": (0.00054, 0.99953),
    "one-node": (0.00105, 0.99953),
}
CLASSES_OF_THE_NOTEBOOK = (0, 1)
SHARES = (0.01, 0.1, 0.5)  # of other images among all
PROMISES = {True: "with 95\u00a0% confidence", False: "on average"}
MOST_DIFFERENCES = 5
CREDIBLE = 0.8  # of images of which a model is sure, how many are to have that label
LEAST_IMAGES, MOST_IMAGES = 12, 30  # of a model; as many as it makes errors, if that is between


@dataclass(frozen=True)
class Predictions:
    """One model's predictions of the test images of its classes."""

    recipe: str
    model: str
    probabilities: Floats  # (n, classes), 0..1; of one node there are two columns, too
    labels: NDArray[np.integer]  # the true classes, counted from 0, (n,)
    rows: Integers  # the images' indices among all test images, (n,)
    classes: tuple[ClassName, ...]  # what these are called

    @property
    def predicted(self) -> Integers:
        """The most probable classes, counted from 0, (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    def row(self, **more: object) -> Row:
        """A row about it."""
        return {"recipe": self.recipe, "model": self.model, **more}

    def count(self, rows: Mask) -> Row:
        """How many rows, bool (n,), are meant, and how many of them are right."""
        hits = rows & (self.predicted == self.labels)
        return self.row(n=int(rows.sum()), hits=int(hits.sum()))


def describe_models(
    results: Sequence[Result],
    is_mnist: bool,
    classes: tuple[ClassName, ...],
    of_base: tuple[ClassName, ...],
) -> list[Row]:
    """A row for each model, as in `metrics.json`: its scores, training and weights.

    It has `learned` if the health gate, which looks at training images, found it healthy; `chance`
    is that of as many hits if it knew nothing. Published numbers are of the notebook's own case.
    """
    is_the_notebooks = is_mnist and classes == CLASSES_OF_THE_NOTEBOOK
    return [
        _describe_model(one, is_the_notebooks, of_base if one.trained.name == "base" else classes)
        for one in results
    ]


def _describe_model(result: Result, is_the_notebooks: bool, classes: tuple[ClassName, ...]) -> Row:
    trained, scores = result.trained, result.evaluation.scores
    loss, accuracy = (is_the_notebooks and PUBLISHED.get(trained.name)) or (None, None)
    return {
        "recipe": result.recipe,
        "model": trained.name,
        **scores.model_dump(mode="json", exclude={"interval"}),
        **scores.interval._asdict(),
        "learned": trained.attempts[-1].outcome == LEARNED,
        "chance": chance_of_hits(scores.confusion),
        "recall": describe_recall(scores.confusion, classes),
        "attempts": len(trained.attempts),
        "epochs": len(trained.attempts[-1].history.epochs),
        "precision": trained.precision,
        "fit_seconds": sum(attempt.history.seconds for attempt in trained.attempts),
        **trained.model.model_dump(exclude={"path", "sha256"}),
        "published_loss": loss,
        "published_accuracy": accuracy,
        # a loss that is no number, as of an attempt that died of it, is null
        "attempt_log": [
            json.loads(attempt.model_dump_json(), parse_constant=lambda constant: None)
            for attempt in trained.attempts
        ],
    }


def describe_recall(confusion: Sequence[Sequence[int]], classes: Sequence[ClassName]) -> Row:
    """How often each class is recognised, which accuracy hides where classes are unequal.

    From a confusion matrix each class's recall with its exact interval, the least first; `most` is
    its upper end if the confidence is shared by all; balanced accuracy is the mean of recalls.
    """
    hits, counts = np.diag(confusion), np.sum(confusion, axis=1)
    tested = [at for at in np.argsort(hits / np.maximum(1, counts), kind="stable") if counts[at]]
    shared, rows = 1 - (1 - CONFIDENCE) / len(tested), []
    for at in tested:
        hit, n = int(hits[at]), int(counts[at])
        row: Row = {"name": classes[at], "n": n, "hits": hit, **exact_interval(hit, n)._asdict()}
        rows.append(row | {"most": exact_interval(hit, n, shared).high})
    balanced = float(np.mean(hits[tested] / counts[tested]))
    return {"balanced_accuracy": balanced, "classes": rows}


def describe_refusal(recipe: str, found: Refusal) -> Row:
    """What a model refuses, with exact intervals, of its own images first, and what that means.

    `promise` says how surely the share is kept, or none; `meaning` which share of the refused
    images are others where these are 1, 10 and 50 % of all; `sentence` both in words.
    """
    kinds = [
        one.model_dump(mode="json") | exact_interval(one.refused, one.n)._asdict()
        for one in (found.own, *found.unknown)
    ]
    others = [one for one in found.unknown if one.kind in OTHER_CLASSES]
    refused = sum(one.refused for one in others) / max(1, sum(one.n for one in others))
    # by Bayes, where a model loses as many of its own images as it may, or is shown to lose
    own = max(found.share, kinds[0]["low"])
    meaning = {
        percent(share, 0): share * refused / (share * refused + (1 - share) * own)
        for share in SHARES
    }
    row = {
        "recipe": recipe,
        "model": found.model,
        "share": found.share,
        "held_out": found.held_out,
        "promise": PROMISES[found.is_sure] if found.file else "none",
        "kinds": kinds,
        "meaning": meaning if found.file and others else {},
    }
    return row | {"sentence": phrase("experiment", "refusal", row, found.folds)}


def compare_heads(predictions: Sequence[Predictions]) -> list[Row]:
    """The two-node against the one-node head by each recipe that has both."""
    found = {(one.recipe, one.model): one for one in predictions}
    two = softmax_head(2).name
    return [
        _compare(found[recipe, two], one)
        for (recipe, model), one in found.items()
        if model == ONE_NODE.name and (recipe, two) in found
    ]


def find_doubts(model: Predictions) -> Mask:
    """Which labels, (n,), are in doubt, rather than the model in error.

    Those of which the model is wrong, and as sure of its own answer as it is, on average, of images
    that have that label (Northcutt, Jiang and Chuang, Journal of Artificial Intelligence Research
    70, 2021, equation 2), if most of those of which it is as sure have it.
    """
    found = np.zeros(len(model.labels), bool)
    for position in range(len(model.classes)):
        sure, own = model.probabilities[:, position], model.labels == position
        bound = sure[own].mean() if own.any() else np.inf
        as_sure = (model.predicted == position) & (sure >= bound)
        found |= as_sure & ~own & (own[as_sure].sum() >= CREDIBLE * as_sure.sum())
    return found


def describe_overlap(mask: Mask, predictions: Sequence[Predictions]) -> Row:
    """How many test images have near duplicates in training, and how models do without them."""
    models = [one.count(~mask[one.rows]) for one in predictions]
    return {"images": int(mask.sum()), "n": len(mask), "models": models}


def count_by_part(
    parts: Sequence[tuple[str, int]], predictions: Sequence[Predictions]
) -> list[Row]:
    """How models do on test images by where these are from, which have so many one by one."""
    return [
        one.count(found) | {"part": name}
        for one in predictions
        for name, found in rows_by_part(parts, one.rows).items()
    ]


def list_mistakes(predictions: Sequence[Predictions]) -> list[Row]:
    """How many labels are in doubt, and the hardest images, by each model."""
    return [
        one.row(in_doubt=int(find_doubts(one).sum()), images=find_hardest(one))
        for one in predictions
    ]


def find_hardest(model: Predictions) -> list[Row]:
    """12 to 30 images, by the probability of their true class; first those in doubt."""
    of_truth = model.probabilities[np.arange(len(model.labels)), model.labels]
    errors, in_doubt = int((model.predicted != model.labels).sum()), find_doubts(model)
    order = np.lexsort((of_truth, ~in_doubt))[: min(max(errors, LEAST_IMAGES), MOST_IMAGES)]
    return [
        {
            "image": int(model.rows[i]),
            "label": model.classes[model.labels[i]],
            "predicted": model.classes[model.predicted[i]],
            "probability": float(model.probabilities[i].max()),
            "in_doubt": bool(in_doubt[i]),
        }
        for i in order
    ]


def _compare(two: Predictions, one: Predictions) -> Row:
    pairs = compare_paired(two.predicted == two.labels, one.predicted == one.labels)
    second = two.probabilities[:, 1], one.probabilities[:, 1]
    furthest = np.argsort(-np.abs(second[0] - second[1]), kind="stable")[:MOST_DIFFERENCES]
    return {
        "recipe": two.recipe,
        **pairs._asdict(),
        "n": len(two.labels),
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
