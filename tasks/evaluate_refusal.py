"""Evaluate-refusal: which images models should refuse, and what that costs and brings."""

from collections.abc import Sequence
from logging import INFO, WARNING

import numpy as np
from numpy.typing import NDArray

from tasks.networks.inference import Model, class_probabilities, evenly, run
from tasks.networks.models import load_model, read_model, store_model
from tasks.networks.refusal import build_guard, score, set_threshold, with_guard
from tasks.schemas.references import Array, Dataset, Floats, Integers, Split
from tasks.schemas.results import MARGINS, Refusal, Refusals, Refused, UnknownFeatures
from tasks.schemas.training import Fold, TrainedModel
from tasks.statistics.estimates import refusal_threshold
from tasks.storage.stages import current_store, get_run_logger, stage

CONFIDENT = 0.95
MOST_IMAGES = 10_000  # that prototypes are made of, and as many that the threshold is chosen on


@stage("evaluate-refusal")
def evaluate_refusal(
    base: TrainedModel,
    models: Sequence[TrainedModel],
    data: Dataset,
    folds: tuple[Fold, ...],
    learned: tuple[int, ...],
    unknown: UnknownFeatures,
    share: float,
    copies: int,
) -> Refusals:
    """Let models of the same classes refuse what is unlike them, and a share of their own images.

    The data are these, as images or as features of the `base`, with one-hot labels. The threshold
    is chosen on what bases, this one or others, did not see of the folds, `copies` of an image as
    one. The classes are the nodes `learned` of the base, or () where it has not learned all.
    """
    store = current_store()
    of_base, guarded = load_model(store, base.model), [_score(fold, learned) for fold in folds]
    scores = np.sort(np.concatenate([own for _, own in guarded]))[copies - 1 :: copies]
    is_split, everything = len(folds) == 1, np.arange(data.train.labels.shape[0])
    promise = refusal_threshold(scores, share, is_split)
    guard = guarded[0][0] if is_split else _guard(of_base, data.train, everything, learned)
    if promise:
        set_threshold(guard, promise.threshold)
    kinds = {"own": _features(of_base, store.array(data.test.inputs))}
    kinds |= dict(zip(unknown.kinds, map(store.array, unknown.features), strict=True))
    margins = {kind: score(guard, some) for kind, some in kinds.items()} if promise else {}
    found = []
    for trained in models:
        model = read_model(store.verified(trained.model))
        own, *others = (
            _count(kind, margins.get(kind, np.zeros(0)), run(model.layers[-1], some))
            for kind, some in kinds.items()
        )
        one = Refusal(
            model=trained.name,
            file=store_model(store, with_guard(model, guard)) if promise else None,
            share=share,
            held_out=len(scores),
            folds=len(folds),
            is_sure=bool(promise and promise.is_sure),
            own=own,
            unknown=tuple(others),
        )
        found.append(one)
        _log(one)
    return Refusals(models=tuple(found))


def _score(fold: Fold, learned: tuple[int, ...]) -> tuple[list[Model], Floats]:
    """A guard that is made without a fold's images (k, ...), and their scores (k,)."""
    store = current_store()
    base, held_out = load_model(store, fold.trained.model), store.array(fold.held_out)
    guard = _guard(base, fold.split, np.flatnonzero(~held_out), learned)
    kept = evenly(np.flatnonzero(held_out), MOST_IMAGES)
    return guard, score(guard, _features(base, store.array(fold.split.inputs)[kept]))


def _guard(base: Model, split: Split, rows: Integers, learned: tuple[int, ...]) -> list[Model]:
    """A guard made of rows (m,) of what its classes have to train on."""
    store, seen = current_store(), evenly(rows, MOST_IMAGES)
    features = _features(base, store.array(split.inputs)[seen])
    return build_guard(base, learned, features, store.array(split.labels)[seen].argmax(axis=1))


def _features(base: Model, inputs: Array) -> Floats:
    return inputs if inputs.ndim == 2 else run(base.get_layer("backbone"), inputs)


def _count(kind: str, margins: NDArray[np.floating], outputs: Floats) -> Refused:
    """How many images (n,) of a kind are refused, none without margins, or surely predicted."""
    counts = np.histogram(margins.clip(MARGINS[0], MARGINS[-1]), MARGINS)[0]
    return Refused(
        kind=kind,
        n=len(outputs),
        refused=int((margins < 0).sum()),
        confident=int((class_probabilities(outputs).max(axis=1) >= CONFIDENT).sum()),
        counts=tuple(counts.tolist()),
    )


def _log(found: Refusal) -> None:
    few = f"{found.held_out} held-out images are too few to lose at most {found.share:g} of its own"
    kinds = [f"{one.refused} of {one.n} ({one.kind})" for one in (found.own, *found.unknown)]
    said = f"{found.model} refuses {', '.join(kinds) if found.file else f'nothing: {few}'}"
    get_run_logger().log(INFO if found.file else WARNING, said)
