"""Attempts: a network that turns out dead is initialised again from another seed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.errors import DeadModelError
from tasks.networks.compilation import Compiled, as_tensors
from tasks.networks.health import (
    BATCHES_UNTIL_CLEAR,
    MOST_ATTEMPTS,
    clear_accuracy,
    diagnose,
)
from tasks.networks.inference import predicted_classes, run
from tasks.networks.keeping import LEARNED, Attempt, AttemptKeeper, read_checkpoint
from tasks.networks.recipe import Training
from tasks.networks.restarts import Restarts
from tasks.networks.seeds import derive_seed
from tasks.networks.training import Course, fit
from tasks.storage.checkpoints import Checkpoint

if TYPE_CHECKING:
    import keras

EXAMINED_IMAGES = 10_000


def train_until_healthy(
    name: str,
    build: "Callable[[int], keras.Model]",
    inputs: NDArray[Any],
    targets: NDArray[np.float32],
    training: Training,
    seed: int,
    checkpoint: Checkpoint,
) -> "tuple[keras.Model, tuple[Attempt, ...]]":
    """Build and train a network, again and again until one is healthy.

    Args:
        name: What the network is called, as in `two-node`; seeds follow from it.
        build: Makes a new network from a seed.
        inputs: Images uint8 (n, 28, 28, 1) or features float32 (n, 1152).
        targets: float32 (n, nodes), one-hot rows or, for one node, 0 and 1.
        training: How the network is trained.
        seed: The run's.
        checkpoint: Where the state is kept after each epoch.

    Returns:
        The healthy network and every attempt, the last of which learned.

    Raises:
        DeadModelError: `MOST_ATTEMPTS` initialisations all died.
    """
    saved = read_checkpoint(checkpoint)
    attempts = saved[1].dead if saved else ()
    restarts = Restarts(build, inputs, targets, training)
    tensors = as_tensors(inputs, targets)
    while len(attempts) < MOST_ATTEMPTS:
        attempt_seed = derive_seed(seed, name, len(attempts))
        compiled = restarts.start(attempt_seed)
        gate = HealthGate(compiled, inputs, targets)
        keeper = AttemptKeeper(checkpoint, name, training, attempts, gate.is_hopeless)
        course = fit(compiled, *tensors, attempt_seed, keeper)
        outcome = gate.diagnosis(course) or LEARNED
        attempts = (*attempts, Attempt(seed=attempt_seed, course=course, outcome=outcome))
        if outcome == LEARNED:
            return compiled.model, attempts
        get_run_logger().warning(
            "%s: attempt %d of %d is dead (%s)", name, len(attempts), MOST_ATTEMPTS, outcome
        )
    raise DeadModelError(
        f"{name} did not learn in {MOST_ATTEMPTS} attempts, the last one {outcome}; "
        "give another --seed, more epochs or another recipe"
    )


def examine(model: "keras.Model", inputs: NDArray[Any], targets: NDArray[np.float32]) -> str:
    """Why a trained network is dead, seen from up to 10,000 of its training images; else empty."""
    rows = np.linspace(0, len(inputs) - 1, min(len(inputs), EXAMINED_IMAGES)).astype(int)
    predicted = predicted_classes(run(model, inputs[rows]))
    return diagnose(predicted, predicted_classes(targets[rows]), max(2, targets.shape[1]))


@dataclass(frozen=True)
class HealthGate:
    """Examines one attempt on its training data, once for each state that it is in."""

    compiled: Compiled
    inputs: NDArray[Any]
    targets: NDArray[np.float32]
    found: dict[int, str] = field(default_factory=dict)

    def diagnosis(self, course: Course) -> str:
        """Why the network is dead after this course; see `examine`."""
        epochs = len(course.epochs)
        if epochs not in self.found:
            self.found[epochs] = examine(self.compiled.model, self.inputs, self.targets)
        return self.found[epochs]

    def is_hopeless(self, course: Course) -> bool:
        """Whether no epoch was clearly better than chance, nor are the weights after the last."""
        needed = clear_accuracy(predicted_classes(self.targets))
        batches = len(course.epochs) * -(-len(self.targets) // self.compiled.training.batch_size)
        return (
            batches >= BATCHES_UNTIL_CLEAR
            and max(epoch.accuracy for epoch in course.epochs) < needed
            and bool(self.diagnosis(course))
        )
