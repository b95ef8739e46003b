"""Take in: each delivery in the inbox is read, decoded, sorted, and its parts are remembered.

What is good is accepted, what is doubtful set aside for a person to decide on, what is bad is
quarantined, and what is not there as a whole is left for the next run.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from tasks.arrivals import decode
from tasks.arrivals.batch import Batch, Part, accepted, read_notes, remember
from tasks.arrivals.inbox import BEING_WRITTEN, Delivery, Inbox, UnfinishedError, digest, open_inbox
from tasks.arrivals.known import Embed, Known
from tasks.arrivals.neighbours import DOUBTED, Seen
from tasks.data.arrays import NotIntactError
from tasks.errors import InputError, ReadableError, printable
from tasks.schemas.images import LabelledImages
from tasks.schemas.references import Floats, Mask, Pixels
from tasks.storage.stages import get_run_logger
from tasks.storage.store import Store

WAITING = "batches that wait for a decision: %d; `python flows/retrain.py review` lists them"
MOST_DOUBTED = 0.05  # of a batch's labels; with as many or more it is set aside as a whole
SIGNIFICANCE = 0.001
NEAR = "test or held-out images, or near duplicates of these"
DOUBT = "the nearest training images have other labels"
Fate: TypeAlias = Literal["new", "known", "quarantined", "unfinished"]


@dataclass(frozen=True)
class Arrivals:
    """What came of a look into the inbox."""

    used: tuple[Batch, ...]  # every one ever accepted, in order of acceptance, the new ones last
    fates: tuple[tuple[str, Fate, str], ...]  # of deliveries by name, and why quarantined


def pixels(images: Pixels) -> Floats:
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

    The inbox is the path or fsspec URL of a folder with batches: `.npz` files, or folders as of
    `decode_folder`, which count as written `settle` seconds, 0 or more, after their last change.
    The share `hold_out` of each class is never trained on. Near duplicates of held-out images, and
    labels in doubt by the features of `embed`, are set aside. InputError if it is out of reach.
    """
    known = Known(base, read_notes(store), store, embed, hold_out)
    place = open_inbox(inbox, base.classes)
    fates = tuple((one.name, *_take(one, place, known, settle)) for one in place.deliveries())
    waiting = [note for note in known.notes if note.state == "waiting"]
    if waiting:
        get_run_logger().warning(WAITING, len(waiting))
    return Arrivals(accepted(known.notes), fates)


def _take(delivery: Delivery, inbox: Inbox, known: Known, settle: float) -> tuple[Fate, str]:
    name, log = delivery.name, get_run_logger()
    try:
        return _accept(delivery, inbox, known, settle), ""
    except UnfinishedError as error:
        log.info("%s is left for the next run: %s", name, printable(str(error)))
        return "unfinished", ""
    except decode.BadBatchError as error:
        reason = _move_aside(inbox, delivery, printable(str(error)))
        log.warning("%s is quarantined: %s", name, reason)
        return "quarantined", reason
    except ReadableError:  # the store is to blame, not the batch
        raise
    except Exception as error:
        log.warning("%s cannot be checked and is left: %s", name, printable(repr(error)))
        return "unfinished", ""


def _accept(delivery: Delivery, inbox: Inbox, known: Known, settle: float) -> Fate:
    is_young = inbox.age(delivery) < settle
    if delivery.obstacle or (is_young and not delivery.is_npz):
        raise UnfinishedError(delivery.obstacle or BEING_WRITTEN)
    if delivery.flaw:
        raise decode.BadBatchError(delivery.flaw)
    decode.check_bytes(sum(file.bytes for file in delivery.files.values()))
    contents = inbox.read(delivery)
    decode.check_bytes(sum(map(len, contents.values())))  # not every file system tells sizes
    sha256 = digest(delivery, contents)
    note = known.note(sha256)
    if note and note.state != "accepted":
        why = note.acts[-1].why if note.acts else note.reason
        raise decode.BadBatchError(f"it was delivered before, and is {note.state}: {why}")
    if note:
        return "known"
    decoded = _decode(delivery, contents, known, is_young)
    is_new = known.new_rows(decoded.images)
    if not is_new.all():
        told = delivery.name, int((~is_new).sum()), len(is_new)
        get_run_logger().info("%s: %d of %d images are known already", *told)
    if not is_new.any():
        return "known"
    _keep(delivery.name, sha256, list(_sort_out(decoded.rows(is_new), known)), known)
    return "new"


def _decode(
    delivery: Delivery, contents: dict[str, bytes], known: Known, is_young: bool
) -> decode.Decoded:
    try:
        if delivery.is_npz:
            return decode.decode_npz(contents[delivery.name], known.data)
        return decode.decode_folder(contents, known.data)
    except InputError as error:
        if isinstance(error, NotIntactError) and is_young:
            raise UnfinishedError(BEING_WRITTEN) from error
        raise decode.BadBatchError(str(error)) from error


def _sort_out(batch: decode.Decoded, known: Known) -> Iterator[Part]:
    near = known.near_held_out(batch.images)
    if near.all():
        raise decode.BadBatchError(f"its {len(near)} images are {NEAR}; give others")
    if near.any():
        images, labels, reason = batch.images[near], batch.labels[near], f"they are {NEAR}"
        yield Part(" near duplicates", images, labels, near[near], labels, reason)
    batch = batch.rows(~near)
    images, labels, seen = batch.images, batch.labels, known.look(batch.images)
    doubted, suggested = known.is_doubted(seen, labels), seen.probabilities.argmax(axis=1)
    objection = _find_objection(batch, seen, doubted, known)
    whole = Part("", images, labels, known.hold_out(images, labels), suggested, objection)
    if doubted.any() and not objection:
        yield whole.rows(doubted, " in doubt", DOUBT)
    yield whole if objection else whole.rows(~doubted)


def _find_objection(batch: decode.Decoded, seen: Seen, doubted: Mask, known: Known) -> str:
    """Why a batch is set aside as a whole; "" if it is not."""
    faint = decode.find_faint(batch, known.typical_range)
    drift = known.find_drift(batch.images, batch.labels, seen)
    if faint or drift:
        return faint or f"its {drift}"
    count, n = int(doubted.sum()), len(doubted)
    if not is_too_much(count, n):
        return ""
    return (
        f"{count} of its {n} labels are in doubt, as the nearest training images have others, "
        f"where less than {MOST_DOUBTED:.0%} is right"
    )


def is_too_much(doubted: int, images: int) -> bool:
    """Whether too large a share of labels is in doubt, and not by chance (a binomial test)."""
    from scipy.stats import binom

    is_significant = binom.sf(doubted - 1, images, DOUBTED) < SIGNIFICANCE
    return doubted == images or (doubted >= MOST_DOUBTED * images and bool(is_significant))


def _keep(delivered: str, sha256: str, parts: list[Part], known: Known) -> None:
    # Those set aside come first: where it is killed, the batch is not accepted, and the next run
    # does the same again; but what a person has decided on stays.
    for part in parts:
        key, name, log = sha256, delivered + part.name, get_run_logger()
        if part.name:
            key = hashlib.sha256(f"{sha256} {part.name}".encode()).hexdigest()
        if known.note(key) is None:
            known.add(remember(known.store, name, key, part, known.data.classes))
        if not part.reason:
            held_out = int(part.held_out.sum())
            log.info("%s is accepted: %d images, %d held out", name, len(part.images), held_out)
        elif part.name:
            log.warning("%s: %d set aside, as %s", name, len(part.images), part.reason)
    if parts[-1].reason:
        raise decode.BadBatchError(parts[-1].reason)


def _move_aside(inbox: Inbox, delivery: Delivery, reason: str) -> str:
    try:
        inbox.quarantine(delivery, reason)
    except Exception as error:  # each file system has errors of its own
        return printable(f"{reason} (it could not be moved to quarantine: {error})")
    return reason
