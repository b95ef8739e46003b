"""Take in: what lies in the inbox is accepted, quarantined, or left for the next run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.arrivals import validation
from tasks.arrivals.batch import Batch, Part, accepted, part_sha256, read_notes, remember
from tasks.arrivals.decode import Decoded, decode_folder, decode_npz
from tasks.arrivals.inbox import BEING_WRITTEN, Delivery, Inbox, UnfinishedError, digest, open_inbox
from tasks.arrivals.known import Embed, Known
from tasks.arrivals.sorting import sort_out
from tasks.arrivals.validation import BadBatchError
from tasks.data.npz import NotIntactError
from tasks.errors import ReadableError, printable
from tasks.schemas.images import LabelledImages
from tasks.storage.store import DamagedError, Store

WAITING = "batches that wait for a decision: %d; `python flows/retrain.py review` lists them"


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


def pixels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Images (n, ...) as rows of their pixels, float32 (n, m)."""
    return images.reshape(len(images), -1).astype(np.float32)


def take_in(
    inbox: str,
    base: LabelledImages,
    store: Store,
    settle: float,
    hold_out: float = 0,
    embed: Embed = pixels,
) -> Arrivals:
    """Check all batches in the inbox, by name; the store remembers those that are accepted.

    The inbox is the path or fsspec URL of a folder with batches: `.npz` files, folders of one of
    the forms of `decode_folder`, or class folders. A batch counts as wholly written `settle`
    seconds, 0 or more, after its last change; an intact .npz always does. Of each class of a batch
    the share `hold_out` is never trained on. Images that are near duplicates of held-out ones, and
    those whose labels are in doubt, are set aside, by the features that `embed` gives of images.
    InputError if the inbox does not exist or cannot be reached, or an accepted batch is damaged.
    """
    place, log = open_inbox(inbox, base.classes), get_run_logger()
    known = Known(base, read_notes(store), store, embed)
    new: list[str] = []
    quarantined: list[tuple[str, str]] = []
    unfinished: list[str] = []
    for delivery in place.deliveries():
        name = delivery.name
        try:
            found = _examine(delivery, place, known, settle)
            if found:
                sha256, decoded = found
                _keep(name, sha256, list(sort_out(decoded, known, hold_out)), known, store)
        except UnfinishedError as error:
            unfinished.append(name)
            log.info("%s is left for the next run: %s", name, printable(str(error)))
        except BadBatchError as error:
            quarantined.append((name, _move_aside(place, delivery, printable(str(error)))))
            log.warning("%s is quarantined: %s", *quarantined[-1])
        except (ReadableError, DamagedError):  # the store is to blame, not the batch
            raise
        except Exception as error:
            unfinished.append(name)
            log.warning("%s cannot be checked and is left: %s", name, printable(repr(error)))
        else:
            if found:
                new.append(name)
            else:
                log.debug("%s was accepted before", name)
    states = [note.state for note in known.notes]
    if "waiting" in states:
        log.warning(WAITING, states.count("waiting"))
    return Arrivals(accepted(known.notes), tuple(new), tuple(quarantined), tuple(unfinished))


def _examine(
    delivery: Delivery, inbox: Inbox, known: Known, settle: float
) -> tuple[str, Decoded] | None:
    """The digest of a delivery, and what is new of its images; None if that is nothing."""
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
    note = known.note(sha256)
    if note and note.state != "accepted":
        why = note.acts[-1].why if note.acts else note.reason
        raise BadBatchError(f"it was delivered before, and is {note.state}: {why}")
    decoded = None if note else _decode(delivery, contents, known, is_young)
    if decoded is None:
        return None
    is_new = known.new_rows(decoded.images)
    if not is_new.all():
        told = delivery.name, int((~is_new).sum()), len(is_new)
        get_run_logger().info("%s: %d of %d images are known already", *told)
    return (sha256, decoded.rows(is_new)) if is_new.any() else None


def _keep(delivered: str, sha256: str, parts: Sequence[Part], known: Known, store: Store) -> None:
    """Accept the last part, or raise BadBatchError; those that are set aside are remembered first.

    Where it is killed, the batch is not accepted, and the next run does the same again; but what a
    person has decided on stays.
    """
    for part in parts:
        key = part_sha256(sha256, part.name) if part.name else sha256
        name, log = delivered + part.name, get_run_logger()
        if known.note(key) is None:
            known.add(remember(store, name, key, part, known.data.classes))
        if not part.reason:
            held_out = int(part.held_out.sum())
            log.info("%s is accepted: %d images, %d held out", name, len(part.images), held_out)
        elif part.name:
            log.warning("%s: %d set aside, as %s", name, len(part.images), part.reason)
    if parts[-1].reason:
        raise BadBatchError(parts[-1].reason)


def _decode(
    delivery: Delivery, contents: dict[str, bytes], known: Known, is_young: bool
) -> Decoded:
    told = known.data.classes, known.data.preparation
    if not delivery.is_npz:
        return decode_folder(contents, *told)
    try:
        return decode_npz(contents[delivery.name], *told)
    except NotIntactError as error:
        if is_young:
            raise UnfinishedError(BEING_WRITTEN) from error
        raise BadBatchError(str(error)) from error


def _move_aside(inbox: Inbox, delivery: Delivery, reason: str) -> str:
    """Quarantine a delivery; one that cannot be moved stays, and is checked again."""
    try:
        inbox.quarantine(delivery, reason)
    except Exception as error:  # each file system has errors of its own
        return printable(f"{reason} (it could not be moved to quarantine: {error})")
    return reason
