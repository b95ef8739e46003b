"""Checkpoints: the state of a training after each epoch, for a run that goes on later."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.storage.sealed import read_sealed, write_sealed
from tasks.storage.store import DamagedError, Store

FOLDER = "checkpoints"
NOTES = "notes"


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of one stage, named by the cache key of the stage.

    So it belongs to the same inputs, source and library versions, and is finished as soon as
    there is a record of that name.
    """

    store: Store
    key: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.store.root / FOLDER / self.key

    def save(self, arrays: list[NDArray[Any]], notes: str) -> None:
        """Replace the checkpoint, at one stroke, by these arrays and these notes (JSON)."""
        buffer = BytesIO()
        numbered = {str(number): array for number, array in enumerate(arrays)}
        np.savez(buffer, allow_pickle=False, **numbered, **{NOTES: np.array(notes)})
        write_sealed(self.store, self.path, buffer.getvalue())

    def load(self) -> tuple[list[NDArray[Any]], str] | None:
        """Arrays and notes as they were saved; None if there are none or they are damaged."""
        try:
            content = read_sealed(self.path)
        except (OSError, DamagedError):
            return None
        with np.load(BytesIO(content), allow_pickle=False) as saved:
            arrays = [saved[name] for name in saved.files if name != NOTES]
            return arrays, str(saved[NOTES])


def checkpoints(store: Store) -> list[Checkpoint]:
    """All checkpoints of a store, the newest last."""
    paths = sorted((store.root / FOLDER).glob("*"), key=lambda path: path.stat().st_mtime_ns)
    return [Checkpoint(store, path.name) for path in paths]


def remove_finished(store: Store, records: Path) -> None:
    """Remove the checkpoints of stages that have a record."""
    for checkpoint in checkpoints(store):
        if (records / checkpoint.key).exists():
            checkpoint.path.unlink()
