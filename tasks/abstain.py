"""Abstain: what the heads say of images of no class they know, and when to refuse an answer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.evaluate import Evaluation
from tasks.networks.inference import class_probabilities, run
from tasks.networks.trained import TrainedModel
from tasks.statistics.abstention import refusal_threshold
from tasks.storage.caching import stage
from tasks.storage.models import load_model
from tasks.storage.records import current_store
from tasks.storage.references import Record
from tasks.strangers import Strangers

CONFIDENT = 0.95
BINS = 20
LEAST_DOUBT = 1e-8  # float32 knows no other number so near to 1


class Abstention(Record):
    """How a head treats strangers: images of all other classes.

    Attributes:
        model: The head's name.
        strangers: How many test images are of other classes; `known` are of its own.
        confident: The share of the strangers that get a top probability of at least 0.95.
        threshold: The top probability below which an image is refused, from training images.
        refused: The share of the strangers that it refuses, 0..1.
        accepted: The share of the known images that it does not refuse, 0..1.
        doubts: The 21 edges of 20 bins of doubt, which is 1 minus the top probability, evenly
            spread on a log scale from 1e-8, where no doubt is too, to that of a mere guess.
        stranger_counts: Strangers in each bin; `known_counts` the same of the known.
    """

    model: str
    strangers: int
    known: int
    confident: float
    threshold: float
    refused: float
    accepted: float
    doubts: tuple[float, ...]
    stranger_counts: tuple[int, ...]
    known_counts: tuple[int, ...]


class Abstentions(Record):
    """One for each head; none if there is no other class."""

    heads: tuple[Abstention, ...]


@stage("abstain")
def abstain(strangers: Strangers, heads: Sequence[tuple[TrainedModel, Evaluation]]) -> Abstentions:
    """Show each head the images of all other classes.

    Args:
        strangers: Their features, from the backbone that the heads share.
        heads: Each with its evaluation on the test images of its own classes.
    """
    store = current_store()
    found = []
    for trained, evaluation in heads if strangers.features else ():
        head = load_model(store, trained.model).layers[-1]
        seen, unseen = (
            class_probabilities(run(head, store.array(features))) for features in strangers.features
        )
        found.append(abstention(trained.name, seen, unseen, store.array(evaluation.probabilities)))
        get_run_logger().info(
            "%s: %.1f %% of strangers are called with confidence; below %.6f it should refuse",
            trained.name,
            100 * found[-1].confident,
            found[-1].threshold,
        )
    return Abstentions(heads=tuple(found))


def abstention(
    model: str,
    seen: NDArray[np.float32],
    unseen: NDArray[np.float32],
    known: NDArray[np.float32],
) -> Abstention:
    """Choose the threshold on training strangers, and see what it does on test images.

    Args:
        model: The head's name.
        seen: Probabilities of strangers among the training images, (n, classes).
        unseen: Those of strangers among the test images, (m, classes).
        known: Those of the test images of the head's own classes, (k, classes).
    """
    threshold = refusal_threshold(seen.max(axis=1))
    strange, own = unseen.max(axis=1), known.max(axis=1)
    doubts = np.geomspace(LEAST_DOUBT, 1 - 1 / known.shape[1], BINS + 1)
    return Abstention(
        model=model,
        strangers=len(strange),
        known=len(own),
        confident=float((strange >= CONFIDENT).mean()),
        threshold=threshold,
        refused=float((strange < threshold).mean()),
        accepted=float((own >= threshold).mean()),
        doubts=tuple(doubts.tolist()),
        stranger_counts=_count(strange, doubts),
        known_counts=_count(own, doubts),
    )


def _count(tops: NDArray[np.float32], doubts: NDArray[np.float64]) -> tuple[int, ...]:
    doubt = (1 - tops.astype(np.float64)).clip(doubts[0], doubts[-1])
    return tuple(np.histogram(doubt, doubts)[0].tolist())
