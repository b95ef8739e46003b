"""Evaluate: a model on the test images."""

import numpy as np

from tasks.networks.inference import class_probabilities, predicted_classes, run
from tasks.networks.losses import per_image_loss, targets_for, with_temperature
from tasks.networks.models import load_model
from tasks.networks.recipe import Training
from tasks.schemas.references import Floats, Split
from tasks.schemas.results import Evaluation, Scores
from tasks.schemas.training import TrainedModel
from tasks.statistics.estimates import calibration_error, exact_interval
from tasks.storage.stages import current_store, get_run_logger, stage


def score(outputs: Floats, one_hot: Floats, training: Training, temperature: float = 1) -> Scores:
    """Compare a calibrated model's outputs with labels, float32 (n, classes).

    The outputs are float32 (n, classes), or (n, 1) with the probability of the second class. The
    loss is what its training minimised, without decay, and so before the temperature was set.
    """
    from sklearn.metrics import confusion_matrix, log_loss

    nodes, classes = outputs.shape[1], range(one_hot.shape[1])
    loss = per_image_loss(training.loss, nodes, training.label_smoothing)
    losses = loss(targets_for(nodes, one_hot), with_temperature(outputs, 1 / temperature))
    labels, predicted = one_hot.argmax(axis=1), predicted_classes(outputs)
    probabilities, hits = class_probabilities(outputs), predicted == labels
    n, errors = len(labels), int((~hits).sum())
    return Scores(
        loss=float(np.mean(losses)),
        accuracy=1 - errors / n,
        interval=exact_interval(n - errors, n),
        errors=errors,
        n=n,
        log_loss=float(log_loss(labels, probabilities, labels=classes)),
        calibration_error=calibration_error(probabilities.max(axis=1), hits),
        confusion=confusion_matrix(labels, predicted, labels=classes).tolist(),
    )


@stage("evaluate")
def evaluate(trained: TrainedModel, split: Split, training: Training) -> Evaluation:
    """Score a stored model, or on features its head, on one-hot labels and by its own loss."""
    store = current_store()
    model = load_model(store, trained.model)
    is_features = len(split.inputs.shape) == 2
    outputs = run(model.layers[-1] if is_features else model, store.array(split.inputs))
    scores = score(outputs, store.array(split.labels), training, trained.temperature)
    line = f"{trained.name}: loss {scores.loss:.5f}, accuracy {scores.accuracy:.5f}"
    get_run_logger().info("%s (%d of %d wrong)", line, scores.errors, scores.n)
    probabilities = store.add_array(f"{trained.name}-probabilities", class_probabilities(outputs))
    return Evaluation(scores=scores, probabilities=probabilities)
