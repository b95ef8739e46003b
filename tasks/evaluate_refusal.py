"""Evaluate-refusal: what the heads say of images of unknown classes, and when to refuse them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.networks.inference import class_probabilities, run
from tasks.networks.models import load_model
from tasks.schemas.results import Evaluation, Refusal, Refusals, UnknownFeatures
from tasks.schemas.training import TrainedModel
from tasks.statistics.estimates import refusal_threshold
from tasks.storage.records import current_store
from tasks.storage.stages import stage

CONFIDENT = 0.95
BINS = 20
LEAST_UNCERTAINTY = 1e-8  # float32 knows no other number so near to 1


def refusal(
    model: str,
    seen: NDArray[np.float32],
    unseen: NDArray[np.float32],
    known: NDArray[np.float32],
) -> Refusal:
    """Choose the threshold on training images of unknown classes, and see what it does on others.

    Args:
        model: The head's name.
        seen: Probabilities of the unknown images for training, (n, classes).
        unseen: Those of the unknown images for testing, (m, classes).
        known: Those of the test images of the head's own classes, (k, classes).
    """
    threshold = refusal_threshold(seen.max(axis=1))
    unknown, own = unseen.max(axis=1), known.max(axis=1)
    uncertainties = np.geomspace(LEAST_UNCERTAINTY, 1 - 1 / known.shape[1], BINS + 1)
    return Refusal(
        model=model,
        unknown=len(unknown),
        known=len(own),
        confident=float((unknown >= CONFIDENT).mean()),
        threshold=threshold,
        refused=float((unknown < threshold).mean()),
        accepted=float((own >= threshold).mean()),
        uncertainties=tuple(uncertainties.tolist()),
        unknown_counts=_count(unknown, uncertainties),
        known_counts=_count(own, uncertainties),
    )


def _count(tops: NDArray[np.float32], uncertainties: NDArray[np.float64]) -> tuple[int, ...]:
    uncertainty = (1 - tops.astype(np.float64)).clip(uncertainties[0], uncertainties[-1])
    return tuple(np.histogram(uncertainty, uncertainties)[0].tolist())


@stage("evaluate-refusal")
def evaluate_refusal(
    unknown: UnknownFeatures, heads: Sequence[tuple[TrainedModel, Evaluation]]
) -> Refusals:
    """Show each head the images of all other classes.

    Args:
        unknown: Their features, from the backbone that the heads share.
        heads: Each with its evaluation on the test images of its own classes.
    """
    store = current_store()
    found = []
    for trained, evaluation in heads if unknown.features else ():
        head = load_model(store, trained.model).layers[-1]
        seen, unseen = (
            class_probabilities(run(head, store.array(features))) for features in unknown.features
        )
        found.append(refusal(trained.name, seen, unseen, store.array(evaluation.probabilities)))
        get_run_logger().info(
            "%s: %.1f %% of unknown are called with confidence; below %.6f it should refuse",
            trained.name,
            100 * found[-1].confident,
            found[-1].threshold,
        )
    return Refusals(heads=tuple(found))
