"""The health gate: whether a network learned anything, seen from its training data alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.networks.inference import evenly, predicted_classes, run_rows
from tasks.networks.recipe import Training
from tasks.schemas.references import Floats, Integers
from tasks.schemas.training import History

MARGIN = 0.1  # for two equal classes and 1,000 images three standard deviations of chance
# Of the notebook's heads that had not moved after an epoch one in eight did later: another
# initialisation is the better bet. Before so many batches, a small data set may not have got going.
BATCHES_UNTIL_CLEAR = 100
EXAMINED_IMAGES, EXAMINED_OF_A_CLASS = 10_000, 100
MOST_NAMED = 3


def diagnose(
    predicted: Integers, labels: Integers, classes: int, names: Sequence[object] = ()
) -> str:
    """Why a trained network is dead; empty if it is not.

    It is if it never predicts one of its classes, or does not avoid at least `MARGIN` of the errors
    of answering "always the largest class", as a saturated network does to within a few images.
    Predicted and true classes are integers (n,) of 0..classes-1; the names what they are called.
    """
    never = np.setdiff1d(np.arange(classes), predicted)
    if never.size:
        named = f", never {', '.join(str(names[one]) for one in never)}" if names else ""
        is_short = never.size <= min(MOST_NAMED, classes - 2)
        return f"predicts {classes - never.size} of {classes} classes{named if is_short else ''}"
    accuracy, needed = float(np.mean(predicted == labels)), clear_accuracy(labels)
    return "" if accuracy >= needed else f"accuracy {accuracy:.3f}, {needed:.3f} is needed"


def clear_accuracy(labels: Integers) -> float:
    """The accuracy (0..1) from which on a network has learned something; see `diagnose`."""
    largest = float(np.bincount(labels).max() / len(labels))
    return largest + MARGIN * (1 - largest)


def examined_rows(rows: NDArray[np.int32], labels: Integers) -> NDArray[np.int32]:
    """Some 10,000 of the rows (m,), whose labels are (m,), evenly spread, and 100 of each class."""
    chosen = evenly(np.arange(len(rows)), EXAMINED_IMAGES)
    counts = np.bincount(labels[chosen], minlength=int(labels.max()) + 1)
    rare = [
        evenly(np.flatnonzero(labels == label), EXAMINED_OF_A_CLASS)
        for label in np.flatnonzero(counts < EXAMINED_OF_A_CLASS)
    ]
    return np.asarray(rows[np.unique(np.concatenate([chosen, *rare]))])


@dataclass(frozen=True)
class HealthGate:
    """Examines an attempt on rows (m,) of inputs (n, ...), targets (n, nodes) of named classes."""

    model: Any
    inputs: Any
    targets: Floats
    rows: NDArray[np.int32]
    training: Training
    names: Sequence[object] = ()
    found: dict[int, str] = field(default_factory=dict)

    def diagnosis(self, history: History) -> str:
        """Why the network is dead after this history, seen from its training images; else empty."""
        epochs = len(history.epochs)
        if epochs not in self.found:
            labels = predicted_classes(self.targets[self.rows])
            examined = examined_rows(self.rows, labels)
            predicted = predicted_classes(run_rows(self.model, self.inputs, examined))
            truth, classes = predicted_classes(self.targets[examined]), self.targets.shape[1]
            self.found[epochs] = diagnose(predicted, truth, max(2, classes), self.names)
        return self.found[epochs]

    def is_hopeless(self, history: History) -> bool:
        """Whether no epoch was clearly better than chance, nor are the weights after the last.

        A loss that is no number ends a training, too; one without a gate ends by itself.
        """
        if not (history.epochs and self.training.gated):
            return False
        if not np.isfinite(history.epochs[-1].loss):
            return True
        labels = predicted_classes(self.targets[self.rows])
        batches = len(history.epochs) * self.training.batches(len(self.rows))
        return (
            batches >= batches_until_clear(labels)
            and max(epoch.accuracy for epoch in history.epochs) < clear_accuracy(labels)
            and bool(self.diagnosis(history))
        )


def batches_until_clear(labels: Integers) -> float:
    """After how many batches a network that learned nothing will not; labels are (n,)."""
    counts = np.unique(labels, return_counts=True)[1]
    return BATCHES_UNTIL_CLEAR * float(counts.mean() / counts.min())
