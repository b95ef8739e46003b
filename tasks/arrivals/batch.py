"""The batches that were accepted, remembered in the store.

Each has a checksummed note in `batches/`, named by the digest of what was dropped. The note is
written last and atomically: without it there is no batch, with it the batch counts even if
the inbox is emptied.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from tasks.data.held_out import held_out
from tasks.errors import InputError
from tasks.schemas.references import ArrayReference, Record, Split
from tasks.storage.store import DamagedError, Store, read_checksummed, write_checksummed

FOLDER = "batches"


class Batch(Record):
    """Labelled images that were accepted, some of them to test on.

    `name` is what they were called in the inbox, `sha256` the digest of what was dropped;
    `images` and `labels`, (n, ...) and (n,), are as in the data set that they are added to. What is
    `held_out`, bool (n,), is never trained on; None is nothing, as in batches of version 0.2.
    """

    name: str
    sha256: str
    images: ArrayReference
    labels: ArrayReference
    held_out: ArrayReference | None = None

    def part(self, store: Store, *, held_out: bool) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Its images and labels to test on, or those to train on."""
        images, labels = store.array(self.images), store.array(self.labels)
        mask = store.array(self.held_out) if self.held_out else np.zeros(len(labels), bool)
        return images[mask == held_out], labels[mask == held_out]


class Note(Record):
    """A batch and its place in the order of acceptance, from 1."""

    number: int
    batch: Batch


def used_batches(store: Store) -> tuple[Batch, ...]:
    """All batches ever accepted, in order of acceptance; if one is damaged, an `InputError`."""
    return tuple(note.batch for note in _notes(store))


def remember(
    store: Store,
    name: str,
    sha256: str,
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    share: float = 0,
) -> Batch:
    """Accept a batch: store its arrays, then its note; a share of each class is held out."""
    mask = held_out(images, labels, share, seed=0) if share else np.zeros(len(labels), bool)
    batch = Batch(
        name=name,
        sha256=sha256,
        images=store.add_array("batch-images", images),
        labels=store.add_array("batch-labels", labels),
        held_out=store.add_array("batch-held-out", mask),
    )
    number = max((note.number for note in _notes(store)), default=0) + 1
    content = Note(number=number, batch=batch).model_dump_json().encode()
    write_checksummed(store, f"{FOLDER}/{sha256}", content)
    return batch


def find_parts(
    store: Store, published: Split, batches: Sequence[Batch], positions: tuple[int, ...]
) -> dict[str, NDArray[np.bool_]]:
    """Which held-out images of some classes are from where, bool (n,) by name, as in `extend`."""
    labels = {"the published test images": store.array(published.labels)}
    for batch in batches:
        name = f"held-out images of {batch.name} ({batch.sha256[:8]})"
        labels[name] = batch.part(store, held_out=True)[1]
    counts = {name: int(np.isin(found, positions).sum()) for name, found in labels.items()}
    origin = np.repeat(np.arange(len(counts)), list(counts.values()))
    return {name: origin == at for at, name in enumerate(counts) if counts[name]}


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
