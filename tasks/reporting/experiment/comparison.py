"""The comparison of models and of approaches, and the notebook's numbers beside it."""

from collections.abc import Sequence

from tasks.reporting.experiment.recall import describe_recall
from tasks.reporting.page import Row, enumerated, percent
from tasks.schemas.images import ClassName
from tasks.schemas.results import OTHER_CLASSES, Refusal, Refused, Result
from tasks.schemas.training import LEARNED
from tasks.statistics.estimates import exact_interval

# Test loss and accuracy that the notebook published, on MNIST with the classes 0 and 1.
PUBLISHED = {
    "base": (0.01645, 0.877),
    "two-node": (0.00054, 0.99953),
    "one-node": (0.00105, 0.99953),
}
CLASSES_OF_THE_NOTEBOOK = (0, 1)
SHARES = (0.01, 0.1, 0.5)  # of other images among all
PROMISES = {True: "with 95\u00a0% confidence", False: "on average"}


def describe_models(
    results: Sequence[Result],
    is_mnist: bool,
    classes: tuple[ClassName, ...],
    of_base: tuple[ClassName, ...],
) -> list[Row]:
    """A row for each model, as in `metrics.json`: its scores, training and weights.

    It has `learned` if the health gate found it healthy, which looks at training images. The
    published numbers are given for the notebook's own case only, and None otherwise. Heads tell the
    classes apart, and bases their own.
    """
    is_the_notebooks = is_mnist and classes == CLASSES_OF_THE_NOTEBOOK
    return [
        _describe_model(one, is_the_notebooks, of_base if one.trained.name == "base" else classes)
        for one in results
    ]


def _describe_model(result: Result, is_the_notebooks: bool, classes: tuple[ClassName, ...]) -> Row:
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
        "learned": trained.attempts[-1].outcome == LEARNED,
        "log_loss": scores.log_loss,
        "calibration_error": scores.calibration_error,
        "confusion": [list(row) for row in scores.confusion],
        "recall": describe_recall(scores.confusion, classes),
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


def describe_refusal(recipe: str, found: Refusal) -> Row:
    """What a model refuses, with exact intervals, of its own images first, and what that means.

    `promise` says how surely the share is kept, or none; `meaning` which share of the refused
    images are others where these are 1, 10 and 50 % of all; `sentence` both in words.
    """
    rows = [_describe_refused(one) for one in (found.own, *found.unknown)]
    others = [one for one in found.unknown if one.kind in OTHER_CLASSES] or found.unknown
    refused = sum(one.refused for one in others) / sum(one.n for one in others)
    meaning = {
        percent(share, 0): others_among_refused(share, refused, found.share) for share in SHARES
    }
    return {
        "recipe": recipe,
        "model": found.model,
        "share": found.share,
        "held_out": found.held_out,
        "promise": PROMISES[found.is_sure] if found.file else "none",
        "kinds": rows,
        "meaning": meaning if found.file else {},
        "sentence": f"{recipe} {found.model}: {_explain(found, meaning)}",
    }


def _explain(found: Refusal, meaning: dict[str, float]) -> str:
    share, held_out = f"{100 * found.share:g}\u00a0%", f"{found.held_out:,} held-out images"
    if found.file is None:
        return f"it refuses nothing, as {held_out} are too few to lose at most {share} of its own."
    of_all = enumerated([*meaning])
    of_refused = enumerated([percent(one, 0) for one in meaning.values()])
    return (
        f"at most {share} of its own images are refused, {PROMISES[found.is_sure]} ({held_out}). "
        f"Where {of_all} of all images are others, {of_refused} of the refused ones are."
    )


def others_among_refused(others: float, refused: float, lost: float) -> float:
    """The share of images of other kinds among refused ones (Bayes), all 0..1.

    `others` is their share of all images, `refused` that of them which is refused, and `lost`
    that of a model's own images.
    """
    right = others * refused
    return right / (right + (1 - others) * lost)


def _describe_refused(one: Refused) -> Row:
    return one.model_dump(mode="json") | exact_interval(one.refused, one.n)._asdict()
