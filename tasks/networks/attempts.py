"""Attempts: a network that turns out dead is initialised again from another seed."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.errors import DeadModelError
from tasks.networks.checkpointing import LEARNED, Attempt, AttemptCheckpointer, read_checkpoint
from tasks.networks.compilation import as_tensors
from tasks.networks.gate import HealthGate
from tasks.networks.health import MOST_ATTEMPTS
from tasks.networks.inference import run_rows
from tasks.networks.recipe import Training
from tasks.networks.restarts import Restarts
from tasks.networks.seeds import derive_seed
from tasks.networks.training import fit
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
    saved = read_checkpoint(checkpoint)
    attempts = saved[1].dead if saved else ()
    restarts = Restarts(build, inputs, targets, training)
    tensors = as_tensors(inputs, targets)
    while len(attempts) < MOST_ATTEMPTS:
        attempt_seed = derive_seed(seed, name, len(attempts))
        compiled = restarts.start(attempt_seed)
        predict = partial(run_rows, compiled.model, inputs)
        gate = HealthGate(predict, targets, training.batch_size)
        checkpointer = AttemptCheckpointer(checkpoint, name, training, attempts, gate.is_hopeless)
        history = fit(compiled, *tensors, attempt_seed, checkpointer)
        outcome = gate.diagnosis(history) or LEARNED
        attempts = (*attempts, Attempt(seed=attempt_seed, history=history, outcome=outcome))
        if outcome == LEARNED:
            return compiled.model, attempts
        get_run_logger().warning(
            "%s: attempt %d of %d is dead (%s)", name, len(attempts), MOST_ATTEMPTS, outcome
        )
    raise DeadModelError(
        f"{name} did not learn in {MOST_ATTEMPTS} attempts, the last one {outcome}; "
        "give another --seed, more epochs or another recipe"
    )
