"""What of a batch is accepted, and what is set aside for a person to decide on."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tasks.arrivals.batch import Part
from tasks.arrivals.decode import Decoded
from tasks.arrivals.known import Known
from tasks.arrivals.neighbours import DOUBTED, Seen
from tasks.arrivals.validation import BadBatchError, find_faint

MOST_DOUBTED = 0.05  # of a batch's labels; with as many or more it is set aside as a whole
SIGNIFICANCE = 0.001
NEAR = "they are test or held-out images, or near duplicates of these"
DOUBT = "the nearest training images have other labels"


def sort_out(batch: Decoded, known: Known, share: float) -> Iterator[Part]:
    """The parts of a batch of new images, the one that decides about it last.

    Of each class about the `share` is held out. Raises BadBatchError if there is no such part, as
    all are test images.
    """
    near = known.near_held_out(batch.images)
    if near.all():
        raise BadBatchError(
            f"its {len(near)} images are test or held-out images, or near duplicates of these; "
            "give others"
        )
    if near.any():
        images, labels = batch.images[near], batch.labels[near]
        yield Part(" near duplicates", images, labels, near[near], labels, NEAR)
    yield from _sort_by_label(batch.rows(~near), known, share)


def _sort_by_label(batch: Decoded, known: Known, share: float) -> Iterator[Part]:
    images, labels, seen = batch.images, batch.labels, known.look(batch.images)
    doubted, suggested = known.is_doubted(seen, labels), seen.probabilities.argmax(axis=1)
    objection = _find_objection(batch, seen, doubted, known)
    whole = Part("", images, labels, known.hold_out(images, labels, share), suggested, objection)
    if objection:
        yield whole
        return
    if doubted.any():
        yield whole.rows(doubted, " in doubt", DOUBT)
    yield whole.rows(~doubted)


def _find_objection(batch: Decoded, seen: Seen, doubted: NDArray[np.bool_], known: Known) -> str:
    """Why a batch is set aside as a whole; "" if it is not."""
    faint = find_faint(batch.images, known.typical_range, batch.place)
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
    """Whether so many labels in doubt speak against a batch: too large a share, and no chance.

    Of good labels the share `DOUBTED` is in doubt, too; a binomial test.
    """
    from scipy.stats import binom

    is_significant = binom.sf(doubted - 1, images, DOUBTED) < SIGNIFICANCE
    return doubted == images or (doubted >= MOST_DOUBTED * images and bool(is_significant))
