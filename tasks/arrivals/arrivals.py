"""Take in: what lies in the inbox is accepted, quarantined, or left for the next run."""

from dataclasses import dataclass

from prefect.logging import get_run_logger

from tasks.arrivals.batch import Batch, remember, used_batches
from tasks.arrivals.decode import Decoded, decode_npz, decode_pngs
from tasks.arrivals.inbox import BEING_WRITTEN, Delivery, Inbox, digest, open_inbox
from tasks.arrivals.known import Known
from tasks.arrivals.quarantine import quarantine
from tasks.arrivals.validation import BadBatchError, check_bytes
from tasks.data.npz import NotIntactError
from tasks.errors import ReadableError, printable
from tasks.schemas.references import Dataset
from tasks.storage.store import DamagedError, Store


@dataclass(frozen=True)
class Arrivals:
    """What came of a look into the inbox.

    Attributes:
        used: every batch ever accepted, in order of acceptance, the new ones last.
        new: names of the batches accepted now.
        quarantined: name and reason of each batch refused now.
        unfinished: names of the batches left for the next run.
    """

    used: tuple[Batch, ...]
    new: tuple[str, ...]
    quarantined: tuple[tuple[str, str], ...]
    unfinished: tuple[str, ...]


class UnfinishedError(Exception):
    """A batch that is left for the next run, and why."""


def take_in(inbox: str, known: Dataset, store: Store, settle: float) -> Arrivals:
    """Judge all batches in the inbox, by name.

    Args:
        inbox: Path or fsspec URL of a folder with batches: `.npz` files with `images` uint8
            (n, 28, 28) and `labels`, folders with PNG files in folders named by label, or such
            label folders.
        known: The base data set, as the `load` task returns it.
        store: Remembers the accepted batches.
        settle: Seconds since its last change after which a batch counts as wholly written, 0 or
            more; an intact .npz always does.

    Raises:
        InputError: The inbox does not exist or cannot be reached, or an accepted batch is damaged.
    """
    place, held, log = open_inbox(inbox), Known(known, used_batches(store), store), get_run_logger()
    new: list[str] = []
    quarantined: list[tuple[str, str]] = []
    unfinished: list[str] = []
    for delivery in place.deliveries():
        name = delivery.name
        try:
            judged = _judge(delivery, place, held, settle)
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
            log.warning("%s cannot be judged and is left: %s", name, printable(repr(error)))
        else:
            if judged is None:
                log.debug("%s is known already", name)
                continue
            sha256, decoded = judged
            held.add(remember(store, name, sha256, decoded.images, decoded.labels))
            new.append(name)
            log.info("%s is accepted: %d images", name, len(decoded.images))
    return Arrivals(tuple(held.batches), tuple(new), tuple(quarantined), tuple(unfinished))


def _judge(
    delivery: Delivery, inbox: Inbox, known: Known, settle: float
) -> tuple[str, Decoded] | None:
    """The digest and the images of a delivery that is good; None if it was accepted before."""
    is_young = inbox.age(delivery) < settle
    if delivery.obstacle:
        raise UnfinishedError(delivery.obstacle)
    if is_young and not delivery.is_npz:
        raise UnfinishedError(BEING_WRITTEN)
    if delivery.flaw:
        raise BadBatchError(delivery.flaw)
    check_bytes(delivery.bytes)
    contents = _read(inbox, delivery)
    check_bytes(sum(map(len, contents.values())))  # not every file system knows sizes beforehand
    sha256 = digest(delivery, contents)
    if known.is_used(sha256):
        return None
    decoded = _decode(delivery, contents, known, is_young)
    if not len(decoded.images):
        return None
    known.check(decoded)
    return sha256, decoded


def _read(inbox: Inbox, delivery: Delivery) -> dict[str, bytes]:
    try:
        return inbox.read(delivery)
    except Exception as error:  # each file system has errors of its own
        raise UnfinishedError(f"it cannot be read ({error})") from error


def _decode(
    delivery: Delivery, contents: dict[str, bytes], known: Known, is_young: bool
) -> Decoded:
    if not delivery.is_npz:
        return known.without_used(delivery.name, decode_pngs(contents))
    try:
        return decode_npz(contents[delivery.name])
    except NotIntactError as error:
        if is_young:
            raise UnfinishedError(BEING_WRITTEN) from error
        raise BadBatchError(str(error)) from error


def _set_aside(inbox: Inbox, delivery: Delivery, reason: str) -> str:
    """Quarantine a delivery; one that cannot be moved stays, and is judged again."""
    try:
        quarantine(inbox, delivery, reason)
    except Exception as error:  # each file system has errors of its own
        return printable(f"{reason} (it could not be moved to quarantine: {error})")
    return reason
