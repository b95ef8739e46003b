"""The comparison: what is said of each model, and the notebook's numbers beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.evaluate import Evaluation
from tasks.networks.trained import TrainedModel

# Test loss and accuracy that the notebook published, on MNIST with the classes 0 and 1.
PUBLISHED = {
    "base": (0.01645, 0.877),
    "two-node": (0.00054, 0.99953),
    "one-node": (0.00105, 0.99953),
}
CLASSES_OF_THE_NOTEBOOK = (0, 1)
COLUMNS = (
    "recipe", "model", "loss", "accuracy", "errors", "n", "learned", "attempts", "epochs",
    "parameters", "trainable_parameters", "fit_seconds", "published_loss", "published_accuracy",
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """A trained model and its evaluation on test images."""

    recipe: str
    trained: TrainedModel
    evaluation: Evaluation


def describe_models(
    results: Sequence[Result], is_mnist: bool, classes: tuple[int, ...]
) -> list[dict[str, Any]]:
    """A row for each model, in JSON types, as in `metrics.json`.

    The published numbers stand beside the notebook's own case only, and are None elsewhere.
    """
    is_the_notebooks = is_mnist and classes == CLASSES_OF_THE_NOTEBOOK
    return [_describe(result, is_the_notebooks) for result in results]


def _describe(result: Result, is_the_notebooks: bool) -> dict[str, Any]:
    trained, evaluation = result.trained, result.evaluation
    published = PUBLISHED.get(trained.name) if is_the_notebooks else None
    loss, accuracy = published or (None, None)
    return {
        "recipe": result.recipe,
        "model": trained.name,
        "loss": evaluation.loss,
        "accuracy": evaluation.accuracy,
        "errors": evaluation.errors,
        "n": evaluation.n,
        "learned": evaluation.learned,
        "attempts": len(trained.attempts),
        "epochs": len(trained.attempts[-1].course.epochs),
        "precision": trained.precision,
        "fit_seconds": sum(attempt.course.seconds for attempt in trained.attempts),
        "weights_sha256": trained.model.weights_sha256,
        "parameters": trained.model.parameters,
        "trainable_parameters": trained.model.trainable_parameters,
        "published_loss": loss,
        "published_accuracy": accuracy,
        "attempt_log": [attempt.model_dump(mode="json") for attempt in trained.attempts],
    }
