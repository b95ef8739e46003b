"""Variation over seeds: the spread of the errors, and which initialisations are dead."""

from collections import Counter
from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from tasks.reporting.study.records import AttemptsRow, SpreadRow, TransferRow
from tasks.reporting.study.trials import ScoredTrial
from tasks.schemas.training import LEARNED


def measure_spread(transfers: Sequence[TransferRow]) -> SpreadRow:
    """How much the errors on a subset vary over seeds.

    Standard deviations are those of a sample, of the subsets for which two seeds or more learned;
    None if there is none. The total errors of each seed are over the `complete` subsets, for which
    all seeds learned, so that every seed's total is of the same subsets.

    Args:
        transfers: Those of one recipe and head; see `describe_transfer`.
    """
    learned = [[errors for errors in row["errors"] if errors is not None] for row in transfers]
    deviations = [
        (float(np.std(errors, ddof=1)), row["classes"])
        for row, errors in zip(transfers, learned, strict=True)
        if len(errors) > 1
    ]
    largest, widest = max(deviations, key=itemgetter(0), default=(None, None))
    seeds = sorted({seed for row in transfers for seed in row["seeds"]})
    by_seed = [dict(zip(row["seeds"], row["errors"], strict=True)) for row in transfers]
    complete = [one for one in by_seed if all(one.get(seed) is not None for seed in seeds)]
    return {
        "recipe": transfers[0]["recipe"],
        "head": transfers[0]["head"],
        "subsets": len(deviations),
        "median": float(np.median([one for one, _ in deviations])) if deviations else None,
        "largest": largest,
        "widest": widest,
        "complete": len(complete),
        "totals": [
            {"seed": seed, "errors": sum(errors[seed] or 0 for errors in complete)}
            for seed in seeds
        ],
    }


def count_attempts(trials: Sequence[ScoredTrial]) -> AttemptsRow:
    """How many initialisations of one recipe and head are dead, and why.

    `most` is the number of attempts that one trial needed, `without` that of trials that never
    learned.
    """
    attempts = [one.result.attempts for one in trials]
    outcomes = [attempt.outcome for made in attempts for attempt in made]
    reasons = Counter(_reason(outcome) for outcome in outcomes if outcome != LEARNED)
    return {
        "recipe": trials[0].trial.recipe,
        "head": trials[0].trial.head,
        "trials": len(trials),
        "attempts": len(outcomes),
        "dead": reasons.total(),
        "most": max(map(len, attempts)),
        "without": sum(not one.result.learned for one in trials),
        "reasons": dict(reasons.most_common()),
    }


def _reason(outcome: str) -> str:
    """Why an attempt is dead, without the accuracy, which is another one each time."""
    return "hardly better than chance" if outcome.startswith("accuracy") else outcome
