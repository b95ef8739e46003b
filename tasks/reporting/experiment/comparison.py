"""The comparison: what is said of each model, and the notebook's numbers beside it."""

from collections.abc import Sequence
from typing import Any

from tasks.schemas.results import Result

# Test loss and accuracy that the notebook published, on MNIST with the classes 0 and 1.
PUBLISHED = {
    "base": (0.01645, 0.877),
    "two-node": (0.00054, 0.99953),
    "one-node": (0.00105, 0.99953),
}
CLASSES_OF_THE_NOTEBOOK = (0, 1)
COLUMNS = (
    "recipe", "model", "accuracy", "low", "high", "errors", "n", "learned", "log_loss",
    "calibration_error", "loss", "parameters", "trainable_parameters", "fit_seconds", "attempts",
    "epochs", "published_loss", "published_accuracy",
)  # fmt: skip


def describe_models(
    results: Sequence[Result], is_mnist: bool, classes: tuple[int, ...]
) -> list[dict[str, Any]]:
    """A row for each model, in JSON types, as in `metrics.json`.

    The published numbers stand beside the notebook's own case only, and are None elsewhere.
    """
    is_the_notebooks = is_mnist and classes == CLASSES_OF_THE_NOTEBOOK
    return [_describe(result, is_the_notebooks) for result in results]


def _describe(result: Result, is_the_notebooks: bool) -> dict[str, Any]:
    trained, scores = result.trained, result.evaluation.scores
    published = PUBLISHED.get(trained.name) if is_the_notebooks else None
    loss, accuracy = published or (None, None)
    return {
        "recipe": result.recipe,
        "model": trained.name,
        **scores.model_dump(mode="json", exclude={"interval"}),
        **scores.interval._asdict(),
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
