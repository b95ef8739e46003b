"""Outcomes on disk: each trial is kept by itself, so that a study goes on where it was."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256

from tasks.networks.keeping import Attempt
from tasks.storage.caching import inputs_sha256, library_versions
from tasks.storage.references import Record
from tasks.storage.sealed import read_arrays, write_arrays
from tasks.storage.source import source_sha256
from tasks.storage.store import DamagedError, Store
from tasks.trials.group import Group
from tasks.trials.trial import Outcome, Trial

FOLDER = "trials"
READERS = 16


class Notes(Record):
    """What is kept of an outcome beside the probabilities."""

    attempts: tuple[Attempt, ...]
    weights_sha256: str


def keep(store: Store, group: Group, outcome: Outcome) -> None:
    """Keep the outcome of one trial of a group, at one stroke."""
    notes = Notes(attempts=outcome.attempts, weights_sha256=outcome.weights_sha256)
    name = _name(group, outcome.trial)
    write_arrays(store, name, [outcome.probabilities], notes.model_dump_json())


def find_all(store: Store, group: Group) -> dict[Trial, Outcome]:
    """What was kept of a group; many at a time, since storage elsewhere takes its time for each."""
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(partial(find, store, group), group.trials)
        return {outcome.trial: outcome for outcome in found if outcome}


def find(store: Store, group: Group, trial: Trial) -> Outcome | None:
    """What was kept of a trial of a group; None if there is nothing, or it is damaged."""
    try:
        (probabilities,), text = read_arrays(store, _name(group, trial))
    except (OSError, DamagedError):
        return None
    notes = Notes.model_validate_json(text)
    return Outcome(trial, notes.attempts, notes.weights_sha256, probabilities)


def _name(group: Group, trial: Trial) -> str:
    """Named by all that decides the outcome: inputs, source and library versions."""
    inputs = inputs_sha256({"trial": trial, "features": group.features, "training": group.training})
    source = source_sha256("tasks.trials.worker")
    return f"{FOLDER}/{sha256(f'{inputs} {source} {library_versions()}'.encode()).hexdigest()}"
