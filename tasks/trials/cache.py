"""Outcomes on disk: each trial is kept by itself, so that a study resumes where it was."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256

from tasks.schemas.references import Record
from tasks.schemas.training import Attempt
from tasks.storage.checksummed import read_arrays, write_arrays
from tasks.storage.source import source_sha256
from tasks.storage.stages import inputs_sha256, library_versions
from tasks.storage.store import DamagedError, Store
from tasks.trials.group import Group
from tasks.trials.trial import Trial, TrialResult

FOLDER = "trials"
READERS = 16


class Notes(Record):
    """What is kept of an result beside the probabilities."""

    attempts: tuple[Attempt, ...]
    weights_sha256: str


def keep(store: Store, group: Group, result: TrialResult) -> None:
    """Keep the result of one trial of a group, atomically."""
    notes = Notes(attempts=result.attempts, weights_sha256=result.weights_sha256)
    name = _name(group, result.trial)
    write_arrays(store, name, [result.probabilities], notes.model_dump_json())


def find_all(store: Store, group: Group) -> dict[Trial, TrialResult]:
    """What was kept of a group; many at a time, since storage elsewhere takes its time for each."""
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(partial(find, store, group), group.trials)
        return {result.trial: result for result in found if result}


def find(store: Store, group: Group, trial: Trial) -> TrialResult | None:
    """What was kept of a trial of a group; None if there is nothing, or it is damaged."""
    try:
        (probabilities,), text = read_arrays(store, _name(group, trial))
    except (OSError, DamagedError):
        return None
    notes = Notes.model_validate_json(text)
    return TrialResult(trial, notes.attempts, notes.weights_sha256, probabilities)


def _name(group: Group, trial: Trial) -> str:
    """Named by all that decides the result: inputs, source and library versions."""
    inputs = inputs_sha256({"trial": trial, "features": group.features, "training": group.training})
    source = source_sha256("tasks.trials.worker")
    return f"{FOLDER}/{sha256(f'{inputs} {source} {library_versions()}'.encode()).hexdigest()}"
