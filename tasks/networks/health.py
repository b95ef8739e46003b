"""The health gate: whether a network learned anything, seen from its training data alone."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.networks.inference import evenly, predicted_classes, run_rows
from tasks.networks.recipe import Training
from tasks.schemas.training import History

MARGIN = 0.1
# A saturated softmax or sigmoid has hardly any gradient left. Of the notebook's heads that had not
# moved after an epoch one in eight did later: another initialisation is the better bet. Before so
# many batches, a small data set may simply not have got going.
BATCHES_UNTIL_CLEAR = 100
# Seven in ten of the notebook's two-node heads on 0 and 1 are dead after their first epoch, and one
# on 3 and 5 learned at its 35th attempt.
MOST_ATTEMPTS = 100
EXAMINED_IMAGES = 10_000


def diagnose(predicted: NDArray[np.intp], labels: NDArray[np.intp], classes: int) -> str:
    """Why a trained network is dead; empty if it is not.

    A network is dead if it never predicts one of its classes, or if it does not beat the answer
    "always the largest class" by a clear margin: it must avoid at least `MARGIN`, a tenth, of
    that answer's errors. A saturated network sits at the largest share to within a few images,
    so the margin separates it from one that has merely learned little, and on 1,000 images it is
    three standard deviations of chance for two equal classes.

    Predicted and true classes of training images are integers (n,) of 0..classes-1.
    """
    found = len(np.unique(predicted))
    if found < classes:
        return f"predicts {found} of {classes} classes"
    accuracy, needed = float(np.mean(predicted == labels)), clear_accuracy(labels)
    return "" if accuracy >= needed else f"accuracy {accuracy:.3f}, {needed:.3f} is needed"


def clear_accuracy(labels: NDArray[np.intp]) -> float:
    """The accuracy (0..1) from which on a network has learned something; see `diagnose`."""
    largest = float(np.bincount(labels).max() / len(labels))
    return largest + MARGIN * (1 - largest)


def examine(model: Any, inputs: Any, targets: NDArray[np.float32], rows: NDArray[np.int32]) -> str:
    """Why a trained network is dead, seen from up to 10,000 of its training images; else empty.

    They are rows (m,) of inputs (n, ...) and targets (n, nodes).
    """
    examined = evenly(rows, EXAMINED_IMAGES)
    predicted = predicted_classes(run_rows(model, inputs, examined))
    return diagnose(predicted, predicted_classes(targets[examined]), max(2, targets.shape[1]))


@dataclass(frozen=True)
class HealthGate:
    """Examines one attempt, once after each epoch; for the arguments see `examine`."""

    model: Any
    inputs: Any
    targets: NDArray[np.float32]
    rows: NDArray[np.int32]
    training: Training
    found: dict[int, str] = field(default_factory=dict)

    def diagnosis(self, history: History) -> str:
        """Why the network is dead after this history; see `examine`."""
        epochs = len(history.epochs)
        if epochs not in self.found:
            self.found[epochs] = examine(self.model, self.inputs, self.targets, self.rows)
        return self.found[epochs]

    def is_hopeless(self, history: History) -> bool:
        """Whether no epoch was clearly better than chance, nor are the weights after the last."""
        needed = clear_accuracy(predicted_classes(self.targets[self.rows]))
        batches = len(history.epochs) * self.training.batches(len(self.rows))
        return (
            batches >= BATCHES_UNTIL_CLEAR
            and max(epoch.accuracy for epoch in history.epochs) < needed
            and bool(self.diagnosis(history))
        )
