"""Attempts: a network that turns out dead is initialised again from another seed."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from prefect.context import TaskRunContext
from prefect.logging import get_run_logger

from tasks.errors import DeadModelError
from tasks.networks.checkpointing import AttemptCheckpointer, read_checkpoint
from tasks.networks.compilation import Restarts, as_tensors
from tasks.networks.epochs import derive_seed
from tasks.networks.health import MOST_ATTEMPTS, HealthGate
from tasks.networks.inference import run_rows
from tasks.networks.recipe import Training
from tasks.networks.training import fit
from tasks.schemas.training import LEARNED, Attempt
from tasks.storage.checkpoints import Checkpoint

if TYPE_CHECKING:
    import keras


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
    restarts = Restarts(build, inputs, targets, training)
    attempts = make_attempts(name, restarts, inputs, targets, seed, checkpoint)
    outcome = attempts[-1].outcome
    if outcome != LEARNED:
        raise DeadModelError(
            f"{name} did not learn in {MOST_ATTEMPTS} attempts, the last one {outcome}; "
            "give another --seed, more epochs or another recipe"
        )
    return restarts.model, attempts


def make_attempts(
    name: str,
    restarts: Restarts,
    inputs: Any,
    targets: NDArray[np.float32],
    seed: int,
    checkpoint: Checkpoint | None = None,
    rows: NDArray[np.int32] | None = None,
) -> tuple[Attempt, ...]:
    """Train the network of `restarts` from one initialisation after another until it is healthy.

    Args:
        name: See `train_until_healthy`, as for `seed`.
        restarts: Its model is the trained network afterwards.
        inputs: Images or features (n, ...), an array or a tensor.
        targets: float32 (n, nodes).
        seed: The run's.
        checkpoint: Where the state is kept after each epoch; None keeps nothing.
        rows: int32 (m,), the rows that are trained on; None is all.

    Returns:
        Every attempt; the last one learned, or `MOST_ATTEMPTS` are dead.
    """
    saved = read_checkpoint(checkpoint)
    attempts = saved[1].dead if saved else ()
    tensors = as_tensors(inputs, targets)
    rows = np.arange(len(targets), dtype=np.int32) if rows is None else rows
    predict = partial(run_rows, restarts.model, inputs, rows)
    while len(attempts) < MOST_ATTEMPTS and not (attempts and attempts[-1].outcome == LEARNED):
        attempt_seed = derive_seed(seed, name, len(attempts))
        gate = HealthGate(predict, targets[rows], restarts.training.batch_size)
        checkpointer = AttemptCheckpointer(
            checkpoint, name, restarts.training, attempts, gate.is_hopeless
        )
        history = fit(restarts.start(attempt_seed), *tensors, attempt_seed, checkpointer, rows)
        outcome = gate.diagnosis(history) or LEARNED
        attempts = (*attempts, Attempt(seed=attempt_seed, history=history, outcome=outcome))
        _log_dead(name, attempts)
    return attempts


def _log_dead(name: str, attempts: tuple[Attempt, ...]) -> None:
    """Warn of a dead attempt; a study's workers train outside of Prefect, and count them."""
    outcome = attempts[-1].outcome
    if outcome != LEARNED and TaskRunContext.get():
        get_run_logger().warning(
            "%s: attempt %d of %d is dead (%s)", name, len(attempts), MOST_ATTEMPTS, outcome
        )
