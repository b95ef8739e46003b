"""What many transfers show together, computed from their probabilities and the labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.reporting.study.heads import compare_pairs, sum_up_pairs
from tasks.reporting.study.records import ScoreRow, Sections, StudyAnalysis, TransferRow, TrialRow
from tasks.reporting.study.seeds import count_attempts, measure_spread
from tasks.reporting.study.trials import Graded, grade, group, hardest_subsets
from tasks.reporting.study.verdict import reach_study_verdict
from tasks.statistics.estimates import exact_interval
from tasks.trials.trial import TrialResult


def analyse_trials(results: Sequence[TrialResult], labels: NDArray[np.uint8]) -> StudyAnalysis:
    """Every section's numbers in JSON types, the verdict first.

    A trial that never learned is listed and counted as such, and is in no mean.

    Args:
        results: One or more, in any order.
        labels: The labels of all test images, integers (n,).

    Raises:
        InputError: A trial's class has no test image.
    """
    graded = grade(results, labels)
    transfers = describe_transfers(graded)
    pairs = compare_pairs(graded)
    found: Sections = {
        "overview": {
            "recipes": list(dict.fromkeys(one.trial.recipe for one in graded)),
            "subsets": len({one.trial.classes for one in graded}),
            "seeds": sorted({one.trial.seed for one in graded}),
            "trials": len(graded),
            "learned": sum(one.result.learned for one in graded),
        },
        "transfers": transfers,
        "pairs": pairs,
        "heads": sum_up_pairs(pairs),
        "spread": measure_spread(transfers),
        "hardest": hardest_subsets(graded),
        "attempts": count_attempts(graded),
    }
    trials = [describe_trial(one) for one in graded]
    return {"verdict": reach_study_verdict(found), **found, "trials": trials}


def describe_transfers(graded: Sequence[Graded]) -> list[TransferRow]:
    """Each recipe, subset and head over its seeds.

    Accuracy, its interval and the mean, least (`best`) and most (`worst`) errors are of the seeds
    that learned, None if none did; `errors` has None for a seed that did not.
    """
    transfers = group(graded, lambda trial: (trial.recipe, trial.classes, trial.head))
    return [_describe_transfer(trials) for trials in transfers.values()]


def describe_trial(graded: Graded) -> TrialRow:
    """One trial: a row of `trials.csv`."""
    trial, attempts, errors = graded.trial, graded.result.attempts, graded.errors
    score = _score([] if errors is None else [errors], len(graded.labels))
    return {
        "recipe": trial.recipe,
        "classes": list(trial.classes),
        "head": trial.head,
        "seed": trial.seed,
        "n": len(graded.labels),
        "errors": errors,
        **score,
        "attempts": len(attempts),
        "epochs": len(attempts[-1].history.epochs),
        "seconds": sum(attempt.history.seconds for attempt in attempts),
        "weights_sha256": graded.result.weights_sha256,
    }


def _describe_transfer(trials: Sequence[Graded]) -> TransferRow:
    first = trials[0]
    errors = [one.errors for one in trials if one.errors is not None]
    return {
        "recipe": first.trial.recipe,
        "classes": list(first.trial.classes),
        "head": first.trial.head,
        "n": len(first.labels),
        "seeds": [one.trial.seed for one in trials],
        "learned": sum(one.result.learned for one in trials),
        "errors": [one.errors for one in trials],
        **_score(errors, len(first.labels)),
        "mean_errors": float(np.mean(errors)) if errors else None,
        "best": min(errors, default=None),
        "worst": max(errors, default=None),
    }


def _score(errors: Sequence[int], n: int) -> ScoreRow:
    """Accuracy at the mean of the errors, and its interval, in which n images are no more than n.

    The same images under another seed are not new ones: only more images narrow the interval.
    """
    if not errors:
        return {"accuracy": None, "low": None, "high": None}
    hits = n - float(np.mean(errors))
    low, high = exact_interval(hits, n)
    return {"accuracy": hits / n, "low": low, "high": high}
