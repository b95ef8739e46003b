"""Variation over seeds: the spread of the errors, and which initialisations are dead."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tasks.reporting.study.records import AttemptsRow, SpreadRow, TransferRow
from tasks.reporting.study.trials import ScoredTrial, group
from tasks.schemas.training import LEARNED


def measure_spread(transfers: Sequence[TransferRow]) -> list[SpreadRow]:
    """For each recipe and head, how much the errors on a subset vary over seeds.

    Standard deviations are those of a sample, of the subsets for which two seeds or more learned;
    None if there is none. The total errors of each seed are over the `complete` subsets, for which
    all seeds learned, so that every seed's total is of the same subsets.

    Args:
        transfers: See `describe_transfers`.
    """
    kinds = dict.fromkeys((row["recipe"], row["head"]) for row in transfers)
    return [
        _spread(
            recipe,
            head,
            [row for row in transfers if (row["recipe"], row["head"]) == (recipe, head)],
        )
        for recipe, head in kinds
    ]


def count_attempts(scored: Sequence[ScoredTrial]) -> list[AttemptsRow]:
    """For each recipe and head, how many initialisations are dead, and why."""
    kinds = group(scored, lambda trial: (trial.recipe, trial.head))
    return [_count(recipe, head, trials) for (recipe, head), trials in kinds.items()]


def _spread(recipe: str, head: str, transfers: Sequence[TransferRow]) -> SpreadRow:
    learned = [[errors for errors in row["errors"] if errors is not None] for row in transfers]
    deviations = {
        place: float(np.std(errors, ddof=1))
        for place, errors in enumerate(learned)
        if len(errors) > 1
    }
    widest = max(deviations, key=lambda place: deviations[place], default=None)
    seeds = sorted({seed for row in transfers for seed in row["seeds"]})
    by_seed = [dict(zip(row["seeds"], row["errors"], strict=True)) for row in transfers]
    complete = [one for one in by_seed if all(one.get(seed) is not None for seed in seeds)]
    return {
        "recipe": recipe,
        "head": head,
        "subsets": len(deviations),
        "median": float(np.median(list(deviations.values()))) if deviations else None,
        "largest": None if widest is None else deviations[widest],
        "widest": None if widest is None else transfers[widest]["classes"],
        "complete": len(complete),
        "totals": [
            {"seed": seed, "errors": sum(errors[seed] or 0 for errors in complete)}
            for seed in seeds
        ],
    }


def _count(recipe: str, head: str, trials: Sequence[ScoredTrial]) -> AttemptsRow:
    attempts = [one.result.attempts for one in trials]
    reasons = Counter(
        _reason(attempt.outcome)
        for made in attempts
        for attempt in made
        if attempt.outcome != LEARNED
    )
    return {
        "recipe": recipe,
        "head": head,
        "trials": len(trials),
        "attempts": sum(map(len, attempts)),
        "dead": reasons.total(),
        "most": max(map(len, attempts)),
        "without": sum(not one.result.learned for one in trials),
        "reasons": dict(reasons.most_common()),
    }


def _reason(outcome: str) -> str:
    """Why an attempt is dead, without the accuracy, which is another one each time."""
    return "hardly better than chance" if outcome.startswith("accuracy") else outcome
