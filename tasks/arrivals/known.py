"""What a batch is held against: the data set, and all batches before it."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from tasks.arrivals.batch import Batch, Note, accepted
from tasks.arrivals.decode import pixel_range
from tasks.arrivals.drift import Description, describe, find_drift, joined
from tasks.arrivals.neighbours import Neighbours, Seen, doubt_bounds
from tasks.data.held_out import Labelled, fingerprints, held_out
from tasks.data.near import is_near, near_duplicates
from tasks.networks.inference import evenly
from tasks.schemas.images import LabelledImages
from tasks.schemas.references import Array, Floats, Integers, Mask, Pixels, Split
from tasks.storage.store import Store

RECENT = 20  # batches that are tested together for drift
MOST_IMAGES = 10_000  # that stand for all of their kind
Embed: TypeAlias = Callable[[Pixels], Floats]  # (n, ...) to (n, m)


class Known:
    """The data set and all batches, read when the first new batch needs them."""

    def __init__(
        self, data: LabelledImages, notes: Sequence[Note], store: Store, embed: Embed, share: float
    ) -> None:
        """The `share` of each class of a new batch is held out."""
        self.data, self.notes, self.store, self._share = data, list(notes), store, share
        self._embed, self._described = embed, dict[str, Description]()

    def note(self, sha256: str) -> Note | None:
        """What became of a delivery before."""
        return next((note for note in self.notes if note.batch.sha256 == sha256), None)

    def add(self, note: Note) -> None:
        """A batch was accepted, or set aside."""
        self.notes.append(note)
        if note.state == "accepted":
            self._arrived.update(fingerprints(self.store.array(note.batch.images)))

    def new_rows(self, images: Pixels) -> Mask:
        """Which of images (n, ...) are not trained on, nor arrived before, each once."""
        rows = dict[bytes, int]()  # the first of each
        for row, one in enumerate(fingerprints(images)):
            rows.setdefault(one, row)
        new = [row for one, row in rows.items() if one not in self._arrived]
        return np.isin(np.arange(len(images)), new)

    def near_held_out(self, images: Pixels) -> Mask:
        """Which of images (n, ...) are test or held-out images, or near duplicates of one."""
        return is_near(images, self._images(held_out=True))

    def hold_out(self, images: Pixels, labels: Array) -> Mask:
        """The share of each class that is to be held out; near duplicates are on one side."""
        if not self._share:
            return np.zeros(len(labels), bool)
        mask = held_out(images, labels, self._share, seed=0, originals=_originals(images))
        return np.asarray(mask & ~is_near(images, self._images(held_out=False)))

    def look(self, images: Pixels) -> Seen:
        """What the training images that are nearest to each of images (n, ...), n > 0, say."""
        return self._neighbours.look(self._embed(images))

    def is_doubted(self, seen: Seen, labels: Array) -> Mask:
        """Which of labels (n,) the nearest training images confidently contradict."""
        return np.asarray(seen.contradiction(labels) > doubt_bounds(*self._of_test)[labels])

    @cached_property
    def typical_range(self) -> float:
        """The median `pixel_range` of the training images."""
        return float(np.median(pixel_range(self._read("train")[0])))

    def find_drift(self, images: Pixels, labels: Array, seen: Seen) -> str:
        """In what images (n, ...) differ from all sources, by themselves or with recent batches."""
        here = describe(images, labels, len(self.data.classes), seen.similarity)
        taken = [note for note in self.notes if note.state == "accepted"]
        alone = find_drift(here, self._base)
        if alone:
            approved = (self._describe(note.batch) for note in taken if note.acts)
            return "" if any(not find_drift(here, source) for source in approved) else alone
        recent = [note.batch for note in taken if not note.acts][-RECENT:]
        together = [self._describe(batch) for batch in recent]
        drift = find_drift(joined([here, *together]), self._base) if together else ""
        return drift and f"{drift}, together with the batches before it"

    @cached_property
    def _arrived(self) -> set[bytes]:
        arrived = [self.store.array(batch.images) for batch in accepted(self.notes)]
        every = (self._read("train")[0], *arrived)
        return {one for images in every for one in fingerprints(images)}

    def _images(self, *, held_out: bool) -> Iterator[Pixels]:
        yield self._read("test" if held_out else "train")[0]
        for batch in accepted(self.notes):
            yield batch.part(self.store, held_out=held_out)[0]

    def _read(self, split: Literal["train", "test"]) -> Labelled:
        found: Split = getattr(self.data.images, split)
        return self.store.array(found.inputs), self.store.array(found.labels)

    @cached_property
    def _neighbours(self) -> Neighbours:
        kinds = [_evenly(*self._read("train"))]
        parts = [batch.part(self.store, held_out=False) for batch in accepted(self.notes)]
        if parts:
            kinds.append(_evenly(*map(np.concatenate, zip(*parts, strict=True))))
        images, labels = map(np.concatenate, zip(*kinds, strict=True))
        return Neighbours(self._embed(images), labels, len(self.data.classes))

    @cached_property
    def _of_test(self) -> tuple[Seen, Array]:
        images, labels = _evenly(*self._read("test"))
        return self.look(images), labels

    @cached_property
    def _base(self) -> Description:
        """The training images and labels, and how similar test images are to them."""
        seen, _ = self._of_test
        return describe(*self._read("train"), len(self.data.classes), seen.similarity)

    def _describe(self, batch: Batch) -> Description:
        if batch.sha256 not in self._described:
            array, (images, _) = self.store.array, batch.part(self.store, held_out=True)
            # of those held out alone: training images are their own nearest ones
            similarity = self.look(images).similarity if len(images) else np.empty(0)
            told = array(batch.images), array(batch.labels), len(self.data.classes), similarity
            self._described[batch.sha256] = describe(*told)
        return self._described[batch.sha256]


def _evenly(images: Pixels, labels: Array) -> Labelled:
    rows = evenly(np.arange(len(labels)), MOST_IMAGES)
    return images[rows], labels[rows]


def _originals(images: Pixels) -> Integers:
    """For each of images (n, ...) the first of its near duplicates, or itself."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    near = near_duplicates(images, images)
    rows = np.flatnonzero(near >= 0)
    graph = coo_array((np.ones(len(rows)), (rows, near[rows])), shape=(len(images),) * 2)
    group = connected_components(graph, directed=False)[1]
    return np.asarray(np.unique(group, return_index=True)[1][group])
