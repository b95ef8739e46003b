"""Take in: what lies in the inbox is accepted, quarantined, or left for the next run."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.arrivals import validation
from tasks.arrivals.batch import Batch, remember, used_batches
from tasks.arrivals.decode import Decoded, decode_folder, decode_npz
from tasks.arrivals.drift import Description, check_drift, describe
from tasks.arrivals.inbox import BEING_WRITTEN, Delivery, Inbox, UnfinishedError, digest, open_inbox
from tasks.arrivals.validation import BadBatchError
from tasks.data.held_out import fingerprints
from tasks.data.npz import NotIntactError
from tasks.errors import ReadableError, printable
from tasks.schemas.images import LabelledImages
from tasks.schemas.references import Split
from tasks.storage.store import DamagedError, Store


@dataclass(frozen=True)
class Arrivals:
    """What came of a look into the inbox.

    `used` is every batch ever accepted, in order of acceptance, the new ones last. `new` are the
    names of the batches accepted now, `quarantined` name and reason of each batch rejected now,
    `unfinished` the names of those that are left for the next run.
    """

    used: tuple[Batch, ...]
    new: tuple[str, ...]
    quarantined: tuple[tuple[str, str], ...]
    unfinished: tuple[str, ...]


class TrainingData:
    """The base data set and all accepted batches, read when the first new batch needs them."""

    def __init__(self, data: LabelledImages, batches: tuple[Batch, ...], store: Store) -> None:
        self.data, self._base = data, data.images
        self._store = store
        self.batches = list(batches)

    def add(self, batch: Batch) -> None:
        """A batch was accepted."""
        self.batches.append(batch)
        self._trained_on.update(self._fingerprints(batch, held_out=False))
        self._test.update(self._fingerprints(batch, held_out=True))

    def without_used(self, name: str, decoded: Decoded) -> Decoded:
        """What is new of a folder that has grown since it was used under the same name."""
        array, used = self._store.array, set[tuple[bytes, int]]()
        for batch in self.batches:
            if batch.name == name:
                used.update(_pairs(array(batch.images), array(batch.labels)))
        pairs = _pairs(decoded.images, decoded.labels)
        return decoded.rows([row for row, pair in enumerate(pairs) if pair not in used])

    def check(self, batch: Decoded) -> None:
        """Raise `BadBatchError` if a batch leaks, repeats, is nearly empty or has drifted."""
        validation.check_contrast(batch.images, self._typical_range, batch.place)
        new = fingerprints(batch.images)
        validation.check_new(new, self._trained_on, self._test, batch.place)
        check_drift(self._describe(batch.images, batch.labels), self._description)

    @cached_property
    def _test(self) -> set[bytes]:
        return self._seen(self._base.test, held_out=True)

    @cached_property
    def _trained_on(self) -> set[bytes]:
        return self._seen(self._base.train, held_out=False)

    def _seen(self, split: Split, *, held_out: bool) -> set[bytes]:
        arrived = (self._fingerprints(batch, held_out=held_out) for batch in self.batches)
        return set(fingerprints(self._store.array(split.inputs))).union(*arrived)

    def _fingerprints(self, batch: Batch, *, held_out: bool) -> list[bytes]:
        return fingerprints(batch.part(self._store, held_out=held_out)[0])

    @cached_property
    def _typical_range(self) -> float:
        return float(np.median(validation.pixel_range(self._store.array(self._base.train.inputs))))

    @cached_property
    def _description(self) -> Description:
        train = self._base.train
        return self._describe(self._store.array(train.inputs), self._store.array(train.labels))

    def _describe(self, images: NDArray[np.uint8], labels: NDArray[Any]) -> Description:
        return describe(images, labels, len(self.data.classes))


def _pairs(images: NDArray[np.uint8], labels: NDArray[Any]) -> Iterator[tuple[bytes, int]]:
    return zip(fingerprints(images), labels.tolist(), strict=True)


def take_in(
    inbox: str, base: LabelledImages, store: Store, settle: float, hold_out: float = 0
) -> Arrivals:
    """Check all batches in the inbox, by name; the store remembers those that are accepted.

    The inbox is the path or fsspec URL of a folder with batches: `.npz` files, folders of one of
    the forms of `decode_folder`, or class folders. A batch counts as wholly written `settle`
    seconds, 0 or more, after its last change; an intact .npz always does. Of each class of a batch
    the share `hold_out` is never trained on. InputError if the inbox
    does not exist or cannot be reached, or an accepted batch is damaged.
    """
    place, log = open_inbox(inbox, base.classes), get_run_logger()
    data = TrainingData(base, used_batches(store), store)
    new: list[str] = []
    quarantined: list[tuple[str, str]] = []
    unfinished: list[str] = []
    for delivery in place.deliveries():
        name = delivery.name
        try:
            found = _examine(delivery, place, data, settle)
        except UnfinishedError as error:
            unfinished.append(name)
            log.info("%s is left for the next run: %s", name, printable(str(error)))
        except BadBatchError as error:
            quarantined.append((name, _set_aside(place, delivery, printable(str(error)))))
            log.warning("%s is quarantined: %s", *quarantined[-1])
        except (ReadableError, DamagedError):  # the store is to blame, not the batch
            raise
        except Exception as error:
            unfinished.append(name)
            log.warning("%s cannot be checked and is left: %s", name, printable(repr(error)))
        else:
            if found is None:
                log.debug("%s was accepted before", name)
                continue
            sha256, decoded = found
            batch = remember(store, name, sha256, decoded.images, decoded.labels, hold_out)
            data.add(batch)
            new.append(name)
            tested = len(batch.part(store, held_out=True)[1])
            log.info("%s is accepted: %d images, %d held out", name, len(decoded.images), tested)
    return Arrivals(tuple(data.batches), tuple(new), tuple(quarantined), tuple(unfinished))


def _examine(
    delivery: Delivery, inbox: Inbox, data: TrainingData, settle: float
) -> tuple[str, Decoded] | None:
    """The digest and the images of a delivery that is good; None if it was accepted before."""
    is_young = inbox.age(delivery) < settle
    if delivery.obstacle or (is_young and not delivery.is_npz):
        raise UnfinishedError(delivery.obstacle or BEING_WRITTEN)
    if delivery.flaw:
        raise BadBatchError(delivery.flaw)
    validation.check_bytes(sum(file.bytes for file in delivery.files.values()))
    contents = inbox.read(delivery)
    # not every file system knows its size beforehand
    validation.check_bytes(sum(map(len, contents.values())))
    sha256 = digest(delivery, contents)
    if any(batch.sha256 == sha256 for batch in data.batches):
        return None
    decoded = _decode(delivery, contents, data, is_young)
    if not len(decoded.images):
        return None
    data.check(decoded)
    return sha256, decoded


def _decode(
    delivery: Delivery, contents: dict[str, bytes], data: TrainingData, is_young: bool
) -> Decoded:
    if not delivery.is_npz:
        found = decode_folder(contents, data.data.classes, data.data.preparation)
        return data.without_used(delivery.name, found)
    try:
        return decode_npz(contents[delivery.name], data.data.classes, data.data.preparation)
    except NotIntactError as error:
        if is_young:
            raise UnfinishedError(BEING_WRITTEN) from error
        raise BadBatchError(str(error)) from error


def _set_aside(inbox: Inbox, delivery: Delivery, reason: str) -> str:
    """Quarantine a delivery; one that cannot be moved stays, and is checked again."""
    try:
        inbox.quarantine(delivery, reason)
    except Exception as error:  # each file system has errors of its own
        return printable(f"{reason} (it could not be moved to quarantine: {error})")
    return reason
