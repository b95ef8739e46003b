"""Attempts: a network that turns out dead is initialised again; a killed one resumes."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from tasks.errors import DeadModelError, RemoteError
from tasks.networks.epochs import derive_seed
from tasks.networks.health import HealthGate
from tasks.networks.inference import Model, predicted_classes, run_rows
from tasks.networks.losses import fit_temperature, set_temperature
from tasks.networks.recipe import Training
from tasks.networks.training import Compiled, as_tensors, assign, fit
from tasks.schemas.references import Array, Floats, Integers, Mask, Record
from tasks.schemas.training import LEARNED, Attempt, History
from tasks.storage.stages import CHECKPOINTS, Checkpoint, get_run_logger, in_task
from tasks.storage.store import Store, read_arrays, write_arrays

MOST_ALIKE = 10  # dead attempts in a row that never predict the same few classes
RARE = 0.2  # of the mean number of images in a class


class Trained(NamedTuple):
    """A network, the attempts that led to it, and its temperature, by which it is calibrated."""

    model: Model
    attempts: tuple[Attempt, ...]
    temperature: float


class Notes(Record):
    """What a checkpoint says beside the variables."""

    name: str
    epochs: int
    dead: tuple[Attempt, ...]
    history: History = History()


def read_checkpoint(checkpoint: Checkpoint | None) -> tuple[list[Array], Notes] | None:
    """Variables and notes of a checkpoint; None if there is none."""
    saved = read_arrays(*checkpoint) if checkpoint else None
    with suppress(ValidationError):  # of notes that are not ours
        return (saved[0], Notes.model_validate_json(saved[1])) if saved else None
    return None


def describe_unfinished(store: Store) -> str:
    """From where the next run resumes, in words, after one was interrupted."""
    notes = []
    with suppress(RemoteError):  # perhaps that is why the run was interrupted
        kept = (read_checkpoint(Checkpoint(store, name)) for name in store.names(CHECKPOINTS))
        notes = [saved[1] for saved in kept if saved]
    if not notes:
        return "the next run resumes the stage that was interrupted"
    last, done = notes[-1], len(notes[-1].history.epochs)
    if done == last.epochs:
        return f"the next run resumes {last.name} after its last epoch"
    return f"the next run resumes {last.name} from epoch {done + 1} of {last.epochs}"


def train_until_healthy(
    model: Model,
    inputs: Array,
    targets: Floats,
    training: Training,
    seed: int,
    checkpoint: Checkpoint,
    names: Sequence[object],
    held_out: Mask,
) -> Trained:
    """The new model, trained and calibrated, and every attempt at it, the last of which learned.

    Inputs are images uint8 (n, height, width, channels) or features float32 (n, m); targets float32
    (n, nodes), one-hot rows or, for one node, 0 and 1, of classes with `names`. An attempt's seed
    follows from the run's and the network's name, as in `two-node`. What is held out, bool (n,),
    calibrates the model. DeadModelError says that all initialisations died, and why.
    """
    compiled = Compiled(model, inputs, targets, training)
    rows = np.flatnonzero(~held_out).astype(np.int32)
    attempts = make_attempts(compiled, inputs, targets, rows, seed, checkpoint, names)
    if attempts[-1].outcome != LEARNED and training.gated:
        raise DeadModelError(
            f"{model.name} did not learn in {len(attempts)} attempts, the last one "
            f"{attempts[-1].outcome}; {advice(predicted_classes(targets[rows]), names)}"
        )
    return Trained(model, attempts, calibrate(model, inputs, targets, held_out))


def calibrate(model: Model, inputs: Any, targets: Floats, held_out: Mask) -> float:
    """Give a network the temperature that its held-out inputs, bool (n,), ask for; return it."""
    rows = np.flatnonzero(held_out).astype(np.int32)
    temperature = fit_temperature(run_rows(model, inputs, rows), targets[rows])
    set_temperature(model, temperature)
    return temperature


def advice(labels: Integers, names: Sequence[object]) -> str:
    """What a person can do about a network that does not learn from images with labels (n,)."""
    counts = np.bincount(labels, minlength=len(names))
    rarest = int(counts.argmin())
    if counts[rarest] >= RARE * counts.mean():
        return "give another --seed, more epochs, more images or another recipe"
    return (
        f"class {names[rarest]} has {counts[rarest]:,} of {len(labels):,} training images: "
        f"give more of them{', or leave the class out' if len(names) > 2 else ''}"
    )


def make_attempts(
    compiled: Compiled,
    inputs: Any,
    targets: Floats,
    rows: NDArray[np.int32],
    seed: int,
    checkpoint: Checkpoint | None = None,
    names: Sequence[object] = (),
) -> tuple[Attempt, ...]:
    """Train the network of `compiled` from one initialisation after another until it is healthy.

    The last one learned, or all that are allowed are dead, or `MOST_ALIKE` died alike. Of inputs
    and targets as above, rows int32 (m,) are trained on; without a checkpoint nothing is kept.
    """
    name, training, tensors = compiled.model.name, compiled.training, as_tensors(inputs, targets)
    epochs = training.epochs_for(len(rows))
    saved = read_checkpoint(checkpoint)
    attempts = saved[1].dead if saved else ()
    outcome = ""
    while len(attempts) < training.attempts and outcome != LEARNED and not _end_alike(attempts):
        attempt_seed = derive_seed(seed, name, len(attempts))
        compiled.start(attempt_seed, len(rows))
        notes = Notes(name=name, epochs=epochs, dead=attempts)
        if saved and saved[1].dead == attempts and _kinds(saved[0]) == _kinds(compiled.variables):
            notes = saved[1]
            assign(compiled.variables, saved[0])
        gate = HealthGate(compiled.model, inputs, targets, rows, training, names)
        keep = partial(_keep, checkpoint, compiled.variables, notes)
        history = fit(compiled, *tensors, attempt_seed, rows, notes.history, keep, gate.is_hopeless)
        outcome = gate.diagnosis(history) or LEARNED
        attempts = (*attempts, Attempt(seed=attempt_seed, history=history, outcome=outcome))
        if outcome != LEARNED and in_task():  # a study's workers have none
            said = f"{name}: attempt {len(attempts)} of {training.attempts} is dead ({outcome})"
            get_run_logger().warning(said)
    return attempts


def _keep(
    checkpoint: Checkpoint | None, variables: list[Any], notes: Notes, history: History
) -> None:
    if checkpoint:
        text = notes.model_copy(update={"history": history}).model_dump_json()
        write_arrays(*checkpoint, [np.asarray(variable) for variable in variables], text)


def _kinds(values: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [(value.shape, value.dtype) for value in map(np.asarray, values)]


def _end_alike(attempts: Sequence[Attempt]) -> bool:
    """Whether the last ones predicted all but the same few classes; a lottery's predict but one."""
    outcomes = [attempt.outcome for attempt in attempts[-MOST_ALIKE:]]
    is_same = len(outcomes) == MOST_ALIKE and len(set(outcomes)) == 1
    return is_same and ", never " in outcomes[0]
