"""What a person decides on batches: to take them in as they are, to reject or to withdraw them."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from tasks.arrivals.batch import Batch, Note, State, accepted, act, read_notes
from tasks.data.held_out import fingerprints
from tasks.data.near import is_near
from tasks.errors import InputError
from tasks.storage.store import Store

Verb: TypeAlias = Literal["approve", "reject", "withdraw"]

# what a verb makes of a batch in which states
RULES: dict[Verb, tuple[State, tuple[State, ...]]] = {
    "approve": ("accepted", ("waiting", "rejected", "withdrawn")),
    "reject": ("rejected", ("waiting",)),
    "withdraw": ("withdrawn", ("accepted",)),
}


def decide(store: Store, verb: Verb, name: str, why: str) -> Note:
    """Do with a batch what a person wants, and record who, when and why.

    The name is the batch's, or the first letters of its digest. What is approved is trained on as
    it is, but for images that were accepted meanwhile, and a share of it is held out; what is
    withdrawn is in no later training or test. InputError if there is none, or this cannot be done.
    """
    notes, (becomes, states) = read_notes(store), RULES[verb]
    note = _find(notes, name)
    if note.state not in states:
        right = " or ".join(states)
        raise InputError(f"{note.batch.title} is {note.state}; to {verb} it, it has to be {right}")
    batch = note.batch
    if becomes == "accepted":
        batch = _apart_from(batch, accepted(notes), store)
    return act(store, note, becomes, why, batch)


def _find(notes: Sequence[Note], name: str) -> Note:
    named = [note for note in notes if note.batch.name == name]
    found = named or [note for note in notes if name and note.batch.sha256.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        digests = ", ".join(note.batch.sha256[:8] for note in found)
        raise InputError(f"several batches are called {name}; give one of their digests: {digests}")
    known = ", ".join(note.batch.title for note in notes) or "none yet"
    raise InputError(f"there is no batch {name!r}; there are: {known}")


def _apart_from(batch: Batch, used: Sequence[Batch], store: Store) -> Batch:
    """Without images that other batches have; a near duplicate goes where its like is."""
    if not used:
        return batch
    images, labels = store.array(batch.images), store.array(batch.labels)
    arrived = {one for other in used for one in fingerprints(store.array(other.images))}
    near_trained, near_held_out = (
        is_near(images, (one.part(store, held_out=held_out)[0] for one in used))
        for held_out in (False, True)
    )
    kept = np.array([one not in arrived for one in fingerprints(images)])
    kept &= ~(near_trained & near_held_out)
    if not kept.any():
        raise InputError(f"all images of {batch.title} are in accepted batches; reject it")
    held_out = (batch.mask(store) | near_held_out) & ~near_trained
    changed = {"images": images[kept], "labels": labels[kept], "held_out": held_out[kept]}
    stored = {
        name: store.add_array(f"batch-{name.replace('_', '-')}", array)
        for name, array in changed.items()
    }
    return batch.model_copy(update=stored)
