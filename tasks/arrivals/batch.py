"""The batches that were accepted, remembered in the store.

Each has a checksummed note in `batches/`, named by the digest of what was dropped. The note is
written last and atomically: without it there is no batch, with it the batch counts even if
the inbox is emptied.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from tasks.errors import InputError
from tasks.schemas.references import ArrayReference, Record
from tasks.storage.store import DamagedError, Store, read_checksummed, write_checksummed

FOLDER = "batches"


class Batch(Record):
    """Labelled images that were accepted for training.

    `name` is what they were called in the inbox, `sha256` the digest of what was dropped;
    `images` and `labels`, (n, ...) and (n,), are as in the data set that they are added to.
    """

    name: str
    sha256: str
    images: ArrayReference
    labels: ArrayReference


class Note(Record):
    """A batch and its place in the order of acceptance, from 1."""

    number: int
    batch: Batch


def used_batches(store: Store) -> tuple[Batch, ...]:
    """All batches ever accepted, in order of acceptance; if one is damaged, an `InputError`."""
    return tuple(note.batch for note in _notes(store))


def remember(
    store: Store, name: str, sha256: str, images: NDArray[np.uint8], labels: NDArray[Any]
) -> Batch:
    """Accept a batch: store its arrays, then its note."""
    batch = Batch(
        name=name,
        sha256=sha256,
        images=store.add_array("batch-images", images),
        labels=store.add_array("batch-labels", labels),
    )
    number = max((note.number for note in _notes(store)), default=0) + 1
    content = Note(number=number, batch=batch).model_dump_json().encode()
    write_checksummed(store, f"{FOLDER}/{sha256}", content)
    return batch


def _notes(store: Store) -> list[Note]:
    notes = [_read_note(store, name) for name in store.names(FOLDER)]
    return sorted(notes, key=lambda note: note.number)


def _read_note(store: Store, name: str) -> Note:
    place = store.place(name)
    try:
        note = Note.model_validate_json(read_checksummed(store, name))
    except (DamagedError, ValidationError) as error:
        raise InputError(
            f"{place} is damaged, so an accepted batch is lost; delete it and put the batch into "
            "the inbox again"
        ) from error
    try:
        for file in note.batch.files():
            store.verified(file)
    except DamagedError as error:
        raise InputError(
            f"{error}; delete {place} and put the batch {note.batch.name} into the inbox again"
        ) from error
    return note
