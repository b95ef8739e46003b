"""The comparison: a row for each model, and the notebook's numbers beside them."""

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


@dataclass(frozen=True)
class Result:
    """A trained model and its evaluation on test images."""

    recipe: str
    trained: TrainedModel
    evaluation: Evaluation


def model_row(result: Result) -> dict[str, Any]:
    """What `metrics.json` says of a model, in JSON types."""
    trained, evaluation = result.trained, result.evaluation
    course = trained.attempts[-1].course
    return {
        "recipe": result.recipe,
        "model": trained.name,
        "loss": evaluation.loss,
        "accuracy": evaluation.accuracy,
        "errors": evaluation.errors,
        "n": evaluation.n,
        "learned": evaluation.learned,
        "attempts": len(trained.attempts),
        "epochs": len(course.epochs),
        "precision": trained.precision,
        "fit_seconds": sum(attempt.course.seconds for attempt in trained.attempts),
        "weights_sha256": trained.model.weights_sha256,
        "parameters": trained.model.parameters,
        "trainable_parameters": trained.model.trainable_parameters,
        "attempt_log": [attempt.model_dump() for attempt in trained.attempts],
    }


def published_columns(row: dict[str, Any], is_the_notebooks: bool) -> dict[str, Any]:
    """The notebook's loss and accuracy for a model, or None where they do not apply."""
    loss, accuracy = PUBLISHED.get(row["model"], (None, None)) if is_the_notebooks else (None, None)
    return {"published_loss": loss, "published_accuracy": accuracy}
