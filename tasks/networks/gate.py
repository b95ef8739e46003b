"""The health gate at work: one attempt, examined on its own training data."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.networks.health import BATCHES_UNTIL_CLEAR, clear_accuracy, diagnose
from tasks.networks.inference import predicted_classes
from tasks.networks.training import History

EXAMINED_IMAGES = 10_000


def examine(
    predict: Callable[[NDArray[np.intp]], NDArray[np.float32]], targets: NDArray[np.float32]
) -> str:
    """Why a trained network is dead, seen from up to 10,000 of its training images; else empty.

    Args:
        predict: Gives the network's output (k, nodes) for rows (k,) of its training images.
        targets: Of all of them, float32 (n, nodes).
    """
    rows = np.linspace(0, len(targets) - 1, min(len(targets), EXAMINED_IMAGES)).astype(int)
    predicted = predicted_classes(predict(rows))
    return diagnose(predicted, predicted_classes(targets[rows]), max(2, targets.shape[1]))


@dataclass(frozen=True)
class HealthGate:
    """Examines one attempt, once for each state that it is in; for the arguments see `examine`."""

    predict: Callable[[NDArray[np.intp]], NDArray[np.float32]]
    targets: NDArray[np.float32]
    batch_size: int
    found: dict[int, str] = field(default_factory=dict)

    def diagnosis(self, history: History) -> str:
        """Why the network is dead after this history; see `examine`."""
        epochs = len(history.epochs)
        if epochs not in self.found:
            self.found[epochs] = examine(self.predict, self.targets)
        return self.found[epochs]

    def is_hopeless(self, history: History) -> bool:
        """Whether no epoch was clearly better than chance, nor are the weights after the last."""
        needed = clear_accuracy(predicted_classes(self.targets))
        batches = len(history.epochs) * -(-len(self.targets) // self.batch_size)
        return (
            batches >= BATCHES_UNTIL_CLEAR
            and max(epoch.accuracy for epoch in history.epochs) < needed
            and bool(self.diagnosis(history))
        )
