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
    model: str, seen: NDArray[np.float32], unseen: NDArray[np.float32], known: NDArray[np.float32]
) -> Refusal:
    """Choose the threshold on training images of unknown classes, and see what it does on others.

    The head's probabilities (n, classes) of them are `seen`, those (m, classes) of the unknown
    images for testing `unseen`, and those (k, classes) of the test images of its classes `known`.
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
    """Show each head, which was evaluated on its own classes, the images of all others."""
    store = current_store()
    found = []
    for trained, evaluation in heads if unknown.features else ():
        head = load_model(store, trained.model).layers[-1]
        seen, unseen = (
            class_probabilities(run(head, store.array(features))) for features in unknown.features
        )
        one = refusal(trained.name, seen, unseen, store.array(evaluation.probabilities))
        found.append(one)
        line = f"{one.model}: {100 * one.confident:.1f} % of unknown are called with confidence"
        get_run_logger().info("%s; below %.6f it should refuse", line, one.threshold)
    return Refusals(heads=tuple(found))
