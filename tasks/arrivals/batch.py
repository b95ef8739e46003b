"""The batches that arrived, remembered in the store.

Each has a checksummed note in `batches/`, named by the digest of what was dropped, and written last
and atomically: with it the batch counts. What is rejected or withdrawn keeps note and images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from pydantic import ValidationError

from tasks.errors import InputError
from tasks.schemas.events import Event
from tasks.schemas.images import ClassName
from tasks.schemas.references import Array, ArrayReference, Mask, Pixels, Record, Rows, Split
from tasks.storage.store import DamagedError, Store, read_checksummed, write_checksummed

FOLDER = "batches"
PUBLISHED = "the published test images"
State: TypeAlias = Literal["accepted", "waiting", "rejected", "withdrawn"]


class Batch(Record):
    """Labelled images that arrived; what is `held_out` is never trained on."""

    name: str  # in the inbox
    sha256: str  # of what was dropped
    images: ArrayReference  # (n, ...), as in the data set that they are added to
    labels: ArrayReference  # (n,)
    held_out: ArrayReference | None = None  # bool (n,); None is nothing, as in version 0.2

    @property
    def title(self) -> str:
        """Its name, and as much of its digest as tells it from others of that name."""
        return f"{self.name} ({self.sha256[:8]})"

    def mask(self, store: Store) -> Mask:
        """Which of its images are held out, (n,)."""
        return store.array(self.held_out) if self.held_out else np.zeros(self.labels.shape, bool)

    def part(self, store: Store, *, held_out: bool) -> tuple[Pixels, Array]:
        """Its images and labels to test on, or those to train on."""
        images, labels = map(store.rows, self.rows(held_out=held_out))
        return images, labels

    def rows(self, *, held_out: bool) -> tuple[Rows, Rows]:
        """Where these images and labels are stored."""
        mask = {"mask": self.held_out, "marked": held_out}
        return Rows(array=self.images, **mask), Rows(array=self.labels, **mask)


@dataclass(frozen=True)
class Part:
    """Images of a batch that are accepted, or set aside for a `reason`, as `Note` has it."""

    name: str  # behind the batch's; the part that has none decides about the batch
    images: Pixels
    labels: Array
    held_out: Mask
    suggested: Array
    reason: str = ""

    def rows(self, mask: Mask, name: str = "", reason: str = "") -> "Part":
        """The images that bool (n,) marks, as a part of their own."""
        told = self.images[mask], self.labels[mask], self.held_out[mask], self.suggested[mask]
        return Part(name, *told, reason)


class Act(Event):
    """What a person made of a batch."""

    state: State


class Note(Record):
    """A batch, and what became of it."""

    number: int  # its place in the order of acceptance, from 1; 0 before it is accepted
    batch: Batch
    reason: str = ""  # why it was set aside
    suggested: ArrayReference | None = None  # labels (n,) that its nearest training images have
    classes: tuple[ClassName, ...] = ()  # what labels are called
    acts: tuple[Act, ...] = ()

    @property
    def state(self) -> State:
        """What was decided last, by a person if it was set aside."""
        if self.acts:
            return self.acts[-1].state
        return "waiting" if self.reason else "accepted"


def accepted(notes: Sequence[Note]) -> tuple[Batch, ...]:
    """The batches that are trained on and tested on, in the order of their notes."""
    return tuple(note.batch for note in notes if note.state == "accepted")


def read_notes(store: Store) -> tuple[Note, ...]:
    """All batches, in order of acceptance; `InputError` if one is damaged."""
    notes = [_read_note(store, name) for name in store.names(FOLDER)]
    return tuple(sorted(notes, key=lambda note: note.number))


def remember(store: Store, name: str, key: str, part: Part, classes: tuple[ClassName, ...]) -> Note:
    """Accept a batch, or set it aside: store its arrays, then its note."""
    batch = Batch(
        name=name,
        sha256=key,
        images=store.add_array("batch-images", part.images),
        labels=store.add_array("batch-labels", part.labels),
        held_out=store.add_array("batch-held-out", part.held_out),
    )
    if not part.reason:
        return _write(store, Note(number=_next_number(store), batch=batch, classes=classes))
    suggested = store.add_array("batch-suggested", part.suggested.astype(part.labels.dtype))
    told = {"reason": part.reason, "suggested": suggested, "classes": classes}
    return _write(store, Note(number=0, batch=batch, **told))


def act(store: Store, note: Note, state: State, why: str, batch: Batch) -> Note:
    """Record what a person decided; a batch that is accepted comes last in their order."""
    acts = (*note.acts, Act.now(why, state=state))
    number = _next_number(store) if state == "accepted" else note.number
    return _write(store, note.model_copy(update={"acts": acts, "number": number, "batch": batch}))


def count_parts(
    store: Store, published: Split, batches: Sequence[Batch]
) -> tuple[tuple[str, int], ...]:
    """Where test images are from, and how many, in the order of `extend`."""
    held_out = ((batch.title, int(batch.mask(store).sum())) for batch in batches)
    return ((PUBLISHED, published.labels.shape[0]), *(one for one in held_out if one[1]))


def _write(store: Store, note: Note) -> Note:
    write_checksummed(store, f"{FOLDER}/{note.batch.sha256}", note.model_dump_json().encode())
    return note


def _next_number(store: Store) -> int:
    return max((note.number for note in read_notes(store)), default=0) + 1


def _read_note(store: Store, name: str) -> Note:
    place = store.place(name)
    try:
        note = Note.model_validate_json(read_checksummed(store, name))
    except (DamagedError, ValidationError) as error:
        raise InputError(
            f"{place} is damaged, or was signed by another --key; give that, or delete it and put "
            "the batch, which is lost, into the inbox again"
        ) from error
    try:
        for file in note.batch.files():
            store.verified(file)
    except DamagedError as error:
        raise InputError(
            f"{error}; delete {place} and put the batch {note.batch.name} into the inbox again"
        ) from error
    return note
