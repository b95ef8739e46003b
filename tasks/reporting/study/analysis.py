"""What many transfers show together, computed from their probabilities and the labels."""

from collections.abc import Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from tasks.reporting.study.heads import compare_pairs, sum_up_pairs
from tasks.reporting.study.records import Analysis, ScoreRow, TransferRow, TrialRow
from tasks.reporting.study.seeds import count_attempts, measure_spread
from tasks.reporting.study.trials import ScoredTrial, group, hardest_subsets, score_trials
from tasks.reporting.study.verdict import reach_verdict
from tasks.statistics.estimates import exact_interval
from tasks.trials.trial import TrialResult


def analyse(results: Sequence[TrialResult], labels: NDArray[np.uint8]) -> Analysis:
    """Every section's numbers in JSON types, the verdict first.

    A trial that never learned is listed and counted as such, and left out of all means.

    Args:
        results: One or more, in any order.
        labels: The labels of all test images, integers (n,).

    Raises:
        InputError: A trial's class has no test image.
    """
    scored = score_trials(results, labels)
    same = group(scored, lambda one: (one.trial.recipe, one.trial.classes, one.trial.head))
    transfers = [describe_transfer(trials) for trials in same]
    kinds = group(scored, lambda one: (one.trial.recipe, one.trial.head))
    pairs = compare_pairs(scored)
    found: Analysis = {
        "verdict": [],  # once all else is known
        "overview": {
            "recipes": list(dict.fromkeys(one.trial.recipe for one in scored)),
            "subsets": len({one.trial.classes for one in scored}),
            "seeds": sorted({one.trial.seed for one in scored}),
            "trials": len(scored),
            "learned": sum(one.result.learned for one in scored),
        },
        "transfers": transfers,
        "pairs": pairs,
        "heads": [sum_up_pairs(rows) for rows in group(pairs, itemgetter("recipe"))],
        "spread": [measure_spread(rows) for rows in group(transfers, itemgetter("recipe", "head"))],
        "hardest": hardest_subsets(scored),
        "attempts": [count_attempts(trials) for trials in kinds],
        "trials": [describe_trial(one) for one in scored],
    }
    found["verdict"] = reach_verdict(found)
    return found


def describe_transfer(trials: Sequence[ScoredTrial]) -> TransferRow:
    """One recipe, subset and head over its seeds.

    Accuracy, its interval and the mean, least (`best`) and most (`worst`) errors are of the seeds
    that learned, None if none did; `errors` has None for a seed that did not.
    """
    trial, n = trials[0].trial, len(trials[0].labels)
    errors = [one.errors for one in trials if one.errors is not None]
    return {
        "recipe": trial.recipe,
        "classes": list(trial.classes),
        "head": trial.head,
        "n": n,
        "seeds": [one.trial.seed for one in trials],
        "learned": len(errors),
        "errors": [one.errors for one in trials],
        **_score(errors, n),
        "mean_errors": float(np.mean(errors)) if errors else None,
        "best": min(errors, default=None),
        "worst": max(errors, default=None),
    }


def describe_trial(scored: ScoredTrial) -> TrialRow:
    """One trial: a row of `trials.csv`."""
    trial, attempts, errors = scored.trial, scored.result.attempts, scored.errors
    return {
        "recipe": trial.recipe,
        "classes": list(trial.classes),
        "head": trial.head,
        "seed": trial.seed,
        "n": len(scored.labels),
        "errors": errors,
        **_score([] if errors is None else [errors], len(scored.labels)),
        "attempts": len(attempts),
        "epochs": len(attempts[-1].history.epochs),
        "seconds": sum(attempt.history.seconds for attempt in attempts),
        "weights_sha256": scored.result.weights_sha256,
    }


def _score(errors: Sequence[int], n: int) -> ScoreRow:
    """Accuracy at the mean number of errors, and its interval.

    All seeds are tested on the same n images, so the interval is that of n, not of n times seeds.
    """
    if not errors:
        return {"accuracy": None, "low": None, "high": None}
    hits = n - float(np.mean(errors))
    low, high = exact_interval(hits, n)
    return {"accuracy": hits / n, "low": low, "high": high}
