"""What a batch is held against: the data set, and all batches before it."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.arrivals.batch import Batch, Note, accepted
from tasks.arrivals.drift import Description, describe, find_drift, joined
from tasks.arrivals.neighbours import Neighbours, Seen, doubt_bounds
from tasks.arrivals.validation import pixel_range
from tasks.data.held_out import fingerprints, held_out
from tasks.data.near import is_near, near_duplicates
from tasks.networks.inference import evenly
from tasks.schemas.images import LabelledImages
from tasks.schemas.references import Split
from tasks.storage.store import Store

RECENT = 20  # batches that are tested together for drift
MOST_IMAGES = 10_000  # that stand for all of their kind

Embed: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # (n, ...) to (n, m)


class Known:
    """The data set and all batches, read when the first new batch needs them."""

    def __init__(
        self, data: LabelledImages, notes: Sequence[Note], store: Store, embed: Embed
    ) -> None:
        """`embed` gives the features of images."""
        self.data, self.notes = data, list(notes)
        self._store, self._embed = store, embed
        self._described = dict[str, Description]()

    def note(self, sha256: str) -> Note | None:
        """What became of a delivery before."""
        return next((note for note in self.notes if note.batch.sha256 == sha256), None)

    def add(self, note: Note) -> None:
        """A batch was accepted, or set aside."""
        self.notes.append(note)
        if note.state == "accepted":
            for held_out in (False, True):
                self._images[held_out].append(note.batch.part(self._store, held_out=held_out)[0])
            self._arrived.update(fingerprints(self._store.array(note.batch.images)))

    def new_rows(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which of images (n, ...) are not trained on, nor arrived before, each once."""
        is_new, seen = np.zeros(len(images), bool), set[bytes]()
        for row, one in enumerate(fingerprints(images)):
            is_new[row] = one not in self._arrived and one not in seen
            seen.add(one)
        return is_new

    def near_held_out(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which of images (n, ...) are test or held-out images, or near duplicates of one."""
        return is_near(images, self._images[True])

    def hold_out(
        self, images: NDArray[np.uint8], labels: NDArray[Any], share: float
    ) -> NDArray[np.bool_]:
        """The share of each class that is to be held out; near duplicates are on one side."""
        if not share:
            return np.zeros(len(labels), bool)
        mask = held_out(images, labels, share, seed=0, originals=_originals(images))
        return np.asarray(mask & ~is_near(images, self._images[False]))

    def look(self, images: NDArray[np.uint8]) -> Seen:
        """What the training images that are nearest to each of images (n, ...), n > 0, say."""
        return self._neighbours.look(self._embed(images))

    def is_doubted(self, seen: Seen, labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of labels (n,) the nearest training images confidently contradict."""
        return np.asarray(seen.contradiction(labels) > self._doubt_bounds[labels])

    @cached_property
    def typical_range(self) -> float:
        """The median `pixel_range` of the training images."""
        return float(np.median(pixel_range(self._train_images)))

    def find_drift(self, images: NDArray[np.uint8], labels: NDArray[Any], seen: Seen) -> str:
        """In what images (n, ...) differ from all sources, by themselves or with recent batches."""
        here = describe(images, labels, len(self.data.classes), seen.similarity)
        alone = find_drift(here, self._base)
        if alone:
            approved = (self._describe(note.batch) for note in self.notes if note.is_approved)
            return "" if any(not find_drift(here, source) for source in approved) else alone
        recent = [note.batch for note in self.notes if note.state == "accepted" and not note.acts]
        together = [self._describe(batch) for batch in recent[-RECENT:]]
        drift = find_drift(joined([here, *together]), self._base) if together else ""
        return drift and f"{drift}, together with the batches before it"

    @cached_property
    def _arrived(self) -> set[bytes]:
        """Fingerprints of all training images, and of all that was accepted."""
        found = set(fingerprints(self._train_images))
        for batch in accepted(self.notes):
            found.update(fingerprints(self._store.array(batch.images)))
        return found

    @cached_property
    def _images(self) -> dict[bool, list[NDArray[np.uint8]]]:
        """Images to train on, and those held out, of the data set and of each batch."""
        array, split = self._store.array, self.data.images
        found = {False: [self._train_images], True: [array(split.test.inputs)]}
        for batch in accepted(self.notes):
            for is_held_out, some in found.items():
                some.append(batch.part(self._store, held_out=is_held_out)[0])
        return found

    @property
    def _train_images(self) -> NDArray[np.uint8]:
        return self._store.array(self.data.images.train.inputs)

    @cached_property
    def _neighbours(self) -> Neighbours:
        images, labels = _evenly(*self._split(self.data.images.train))
        parts = [batch.part(self._store, held_out=False) for batch in accepted(self.notes)]
        if parts:
            arrived = _evenly(*map(np.concatenate, zip(*parts, strict=True)))
            images, labels = np.concatenate([images, arrived[0]]), np.append(labels, arrived[1])
        return Neighbours(self._embed(images), labels, len(self.data.classes))

    @cached_property
    def _of_test(self) -> tuple[Seen, NDArray[Any]]:
        images, labels = _evenly(*self._split(self.data.images.test))
        return self.look(images), labels

    @cached_property
    def _doubt_bounds(self) -> NDArray[np.float64]:
        return doubt_bounds(*self._of_test)

    @cached_property
    def _base(self) -> Description:
        """The training images and labels, and how similar test images are to them."""
        seen, _ = self._of_test
        images, labels = self._split(self.data.images.train)
        return describe(images, labels, len(self.data.classes), seen.similarity)

    def _describe(self, batch: Batch) -> Description:
        """A batch that was accepted; its training images are their own nearest ones."""
        if batch.sha256 not in self._described:
            array, (images, _) = self._store.array, batch.part(self._store, held_out=True)
            similarity = self.look(images).similarity if len(images) else np.empty(0)
            told = array(batch.images), array(batch.labels), len(self.data.classes), similarity
            self._described[batch.sha256] = describe(*told)
        return self._described[batch.sha256]

    def _split(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        return self._store.array(split.inputs), self._store.array(split.labels)


def _evenly(
    images: NDArray[np.uint8], labels: NDArray[Any]
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """So many of images (n, ...) and labels (n,) that they can stand for all."""
    rows = evenly(np.arange(len(labels)), MOST_IMAGES)
    return images[rows], labels[rows]


def _originals(images: NDArray[np.uint8]) -> NDArray[np.intp]:
    """For each of images (n, ...) the first of its near duplicates, or itself."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    near = near_duplicates(images, images)
    rows = np.flatnonzero(near >= 0)
    graph = coo_array((np.ones(len(rows)), (rows, near[rows])), shape=(len(images),) * 2)
    group = connected_components(graph, directed=False)[1]
    return np.asarray(np.unique(group, return_index=True)[1][group])
