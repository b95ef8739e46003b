"""Checkpoints: the state of a training after each epoch, for a run that resumes later."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from numpy.typing import NDArray

from tasks.storage.store import Store, read_arrays, write_arrays

FOLDER = "checkpoints"


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of one stage and its inputs, named by its cache key, as its record will be."""

    store: Store
    key: str

    @property
    def name(self) -> str:
        """Its path in the store."""
        return f"{FOLDER}/{self.key}"

    def save(self, arrays: list[NDArray[Any]], notes: str) -> None:
        """Replace the checkpoint, atomically, by these arrays and these notes (JSON)."""
        write_arrays(self.store, self.name, arrays, notes)

    def load(self) -> tuple[list[NDArray[Any]], str] | None:
        """Arrays and notes as they were saved; None if there are none or they are damaged."""
        return read_arrays(self.store, self.name)

    def remove(self) -> None:
        """Remove it, if it is there."""
        self.store.remove(self.name)


def checkpoints(store: Store) -> list[Checkpoint]:
    """All checkpoints of a store, the newest last."""
    return [Checkpoint(store, PurePosixPath(name).name) for name in store.names(FOLDER)]


def remove_unwanted(store: Store, records: str, refresh: bool) -> None:
    """Remove the checkpoints of stages that have a record in the folder `records`, or all."""
    kept = checkpoints(store)
    finished = {PurePosixPath(name).name for name in store.names(records)} if kept else set()
    for checkpoint in kept:
        if refresh or checkpoint.key in finished:
            checkpoint.remove()
