"""Attempts: a network that turns out dead is initialised again from another seed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.errors import DeadModelError
from tasks.networks.health import (
    BATCHES_UNTIL_CLEAR,
    MOST_ATTEMPTS,
    clear_accuracy,
    diagnose,
)
from tasks.networks.inference import predicted_classes, run
from tasks.networks.recipe import Training
from tasks.networks.seeds import derive_seed
from tasks.networks.training import Course, fit
from tasks.storage.checkpoints import Checkpoint, checkpoints
from tasks.storage.references import Record
from tasks.storage.store import Store

if TYPE_CHECKING:
    import keras

EXAMINED_IMAGES = 10_000
LEARNED = "learned"


class Attempt(Record):
    """One initialisation: its seed, how its training went, and what came of it."""

    seed: int
    course: Course
    outcome: str


class Notes(Record):
    """What a checkpoint says beside the variables."""

    name: str
    epochs: int
    dead: tuple[Attempt, ...]
    course: Course


@dataclass(frozen=True)
class AttemptKeeper:
    """Keeps one attempt's state in the checkpoint of its stage."""

    checkpoint: Checkpoint
    name: str
    training: Training
    dead: tuple[Attempt, ...]
    is_hopeless: Callable[[Course], bool]

    def restore(self, variables: list[Any]) -> Course:
        """Go on where this attempt was, or from the start if nothing was kept of it."""
        saved = read_checkpoint(self.checkpoint)
        if saved is None or saved[1].dead != self.dead:
            return Course()
        for variable, value in zip(variables, saved[0], strict=True):
            variable.assign(value)
        return saved[1].course

    def keep(self, variables: list[Any], course: Course) -> None:
        """Write the checkpoint."""
        notes = Notes(name=self.name, epochs=self.training.epochs, dead=self.dead, course=course)
        self.checkpoint.save([np.asarray(v) for v in variables], notes.model_dump_json())

    def is_over(self, course: Course) -> bool:
        """Whether the attempt is hopeless already."""
        return self.is_hopeless(course)


def read_checkpoint(checkpoint: Checkpoint) -> tuple[list[NDArray[Any]], Notes] | None:
    """Variables and notes of a checkpoint; None if there is none."""
    saved = checkpoint.load()
    return saved and (saved[0], Notes.model_validate(json.loads(saved[1])))


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
    while len(attempts) < MOST_ATTEMPTS:
        attempt_seed = derive_seed(seed, name, len(attempts))
        model = build(attempt_seed)
        diagnosis = partial(examine, model, inputs, targets)
        keeper = AttemptKeeper(
            checkpoint,
            name,
            training,
            attempts,
            partial(_is_hopeless, targets, training, diagnosis),
        )
        course = fit(model, inputs, targets, training, attempt_seed, keeper)
        outcome = diagnosis() or LEARNED
        attempts = (*attempts, Attempt(seed=attempt_seed, course=course, outcome=outcome))
        if outcome == LEARNED:
            return model, attempts
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


def _is_hopeless(
    targets: NDArray[np.float32], training: Training, diagnosis: Callable[[], str], course: Course
) -> bool:
    """Whether no epoch was clearly better than chance, nor are the weights after the last one."""
    needed = clear_accuracy(predicted_classes(targets))
    batches = len(course.epochs) * -(-len(targets) // training.batch_size)
    return (
        batches >= BATCHES_UNTIL_CLEAR
        and max(epoch.accuracy for epoch in course.epochs) < needed
        and bool(diagnosis())
    )


def describe_unfinished(store: Store) -> str:
    """From where the next run goes on, in words, after one was interrupted."""
    found = [read_checkpoint(checkpoint) for checkpoint in checkpoints(store)]
    notes = [saved[1] for saved in found if saved]
    if not notes:
        return "the next run goes on with the stage that was interrupted"
    last, done = notes[-1], len(notes[-1].course.epochs)
    return f"the next run goes on with {last.name} from epoch {done + 1} of {last.epochs}"
