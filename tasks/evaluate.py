"""Evaluate: a model on the test images."""

import numpy as np
from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.networks.inference import predicted_classes, run
from tasks.networks.losses import per_image_loss
from tasks.networks.targets import targets_for
from tasks.networks.trained import TrainedModel
from tasks.storage.caching import stage
from tasks.storage.models import load_model
from tasks.storage.records import current_store
from tasks.storage.references import Record, Split


class Evaluation(Record):
    """How a model does on `n` images; `learned` says whether it beats the largest class."""

    loss: float
    accuracy: float
    errors: int
    n: int
    learned: bool


def score(
    probabilities: NDArray[np.float32], one_hot: NDArray[np.float32], loss: str
) -> Evaluation:
    """Compare probabilities with labels.

    Args:
        probabilities: float32 (n, classes), or (n, 1) with the probability of the second class.
        one_hot: The labels, float32 (n, classes).
        loss: The loss that the model was trained with; its mean is reported.
    """
    nodes = probabilities.shape[1]
    losses = per_image_loss(loss, nodes)(targets_for(nodes, one_hot), probabilities)
    labels = one_hot.argmax(axis=1)
    errors = int((predicted_classes(probabilities) != labels).sum())
    accuracy = 1 - errors / len(labels)
    return Evaluation(
        loss=float(np.mean(losses)),
        accuracy=accuracy,
        errors=errors,
        n=len(labels),
        learned=bool(accuracy > np.bincount(labels).max() / len(labels)),
    )


@stage("evaluate")
def evaluate(trained: TrainedModel, split: Split, loss: str) -> Evaluation:
    """Score a stored model on a split with one-hot labels.

    Where the inputs are features, the model's head alone gives the same probabilities.
    """
    store = current_store()
    model = load_model(store, trained.model)
    is_features = len(split.inputs.shape) == 2
    probabilities = run(model.layers[-1] if is_features else model, store.array(split.inputs))
    evaluation = score(probabilities, np.asarray(store.array(split.labels)), loss)
    get_run_logger().info(
        "%s: loss %.5f, accuracy %.5f (%d errors of %d)",
        trained.name,
        evaluation.loss,
        evaluation.accuracy,
        evaluation.errors,
        evaluation.n,
    )
    return evaluation
