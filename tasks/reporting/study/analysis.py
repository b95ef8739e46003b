"""What many transfers show together, computed from their probabilities and the labels."""

from collections import Counter
from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from tasks.networks.architecture import ONE_NODE, softmax_head
from tasks.reporting.page import SIGNIFICANT, Finding, Row, say
from tasks.reporting.study.trials import ScoredTrial, group, hardest_subsets, score_trials
from tasks.schemas.images import ClassName
from tasks.schemas.references import Array
from tasks.schemas.training import LEARNED
from tasks.statistics.estimates import chance_of_hits, exact_interval
from tasks.statistics.paired import holm, sign_flip_p_value
from tasks.trials.trial import TrialResult

QUESTIONS = 2  # whether heads differ over all pairs, and on which: a report answers both
TWO, ONE = softmax_head(2).name, ONE_NODE.name


def analyse(
    results: Sequence[TrialResult],
    labels: Array,
    names: Sequence[ClassName],
    bases: str = "bases that had seen these classes and images",
) -> Row:
    """Every section's numbers in JSON types, the verdict first; in words, what the bases had seen.

    A trial that did not learn is listed and counted as such, and left out of all means. `labels`
    (n,) are of all test images, positions in `names`; the overview's `classes` those of pairs.
    """
    scored = score_trials(results, labels, names)
    paired = {at for one in scored if len(one.classes) == 2 for at in one.trial.classes}
    same = group(scored, lambda one: (one.trial.recipe, one.trial.classes, one.trial.head))
    transfers = [describe_transfer(trials) for trials in same]
    kinds = group(scored, lambda one: (one.trial.recipe, one.trial.head))
    pairs = compare_pairs(scored)
    found: Row = {
        "overview": {
            "bases": bases,
            "recipes": list(dict.fromkeys(one.trial.recipe for one in scored)),
            "classes": [names[position] for position in sorted(paired)],
            "subsets": len({one.trial.classes for one in scored}),
            "seeds": sorted({one.trial.seed for one in scored}),
            "trials": len(scored),
            "learned": sum(one.result.learned for one in scored),
        },
        "transfers": transfers,
        "pairs": pairs,
        "heads": compare_heads(pairs, scored),
        "spread": [measure_spread(rows) for rows in group(transfers, itemgetter("recipe", "head"))],
        "hardest": hardest_subsets(scored),
        "attempts": [count_attempts(trials) for trials in kinds],
        "trials": [describe_trial(one) for one in scored],
    }
    return {"verdict": reach_verdict(found)} | found


def reach_verdict(found: Row) -> list[Finding]:
    """What a reader should take away of the rest of the analysis, in the order of its sections."""
    overview = found["overview"]
    learned = [overview["subsets"]] if overview["learned"] else []
    return [
        say("study", "trials", overview, found["transfers"]),
        *(say("study", "pairs", heads) for heads in found["heads"]),
        say("study", "spread", found["spread"], overview["seeds"]),
        *(say("study", "hardest", found["hardest"], subsets) for subsets in learned),
        say("study", "attempts", found["attempts"]),
    ]


def describe_transfer(trials: Sequence[ScoredTrial]) -> Row:
    """One recipe, subset and head over its seeds.

    Accuracy, its interval and the mean, least (`best`) and most (`worst`) errors are of the seeds
    that learned, None if none did; `errors` has None for a seed that did not.
    """
    errors = [one.errors for one in trials if one.errors is not None]
    return {
        **trials[0].about("recipe", "classes", "head", "n"),
        "seeds": [one.trial.seed for one in trials],
        "learned": len(errors),
        "chance": _chance([one for one in trials if one.result.learned]),
        "errors": [one.errors for one in trials],
        **_score(errors, len(trials[0].labels)),
        "mean_errors": float(np.mean(errors)) if errors else None,
        "best": min(errors, default=None),
        "worst": max(errors, default=None),
    }


def describe_trial(scored: ScoredTrial) -> Row:
    """One trial: a row of `trials.csv`."""
    attempts, errors = scored.result.attempts, scored.errors
    return {
        **scored.about("recipe", "classes", "head", "seed", "n"),
        "errors": errors,
        **_score([] if errors is None else [errors], len(scored.labels)),
        "attempts": len(attempts),
        "epochs": len(attempts[-1].history.epochs),
        "seconds": sum(attempt.history.seconds for attempt in attempts),
        "weights_sha256": scored.result.weights_sha256,
    }


def _chance(trials: Sequence[ScoredTrial]) -> float:
    """That of any of them having as many hits if it knew nothing; 1 without any."""
    from sklearn.metrics import confusion_matrix

    counts = (
        confusion_matrix(one.labels, one.predicted, labels=range(len(one.classes)))
        for one in trials
    )
    return min(1.0, len(trials) * min(map(chance_of_hits, counts), default=1.0))


def _score(errors: Sequence[int], n: int) -> Row:
    if not errors:
        return {"accuracy": None, "low": None, "high": None}
    # all seeds are tested on the same images: the interval is that of n, not of n times seeds
    hits = n - float(np.mean(errors))
    return {"accuracy": hits / n, **exact_interval(hits, n)._asdict()}


def compare_pairs(scored: Sequence[ScoredTrial]) -> list[Row]:
    """A row for each recipe and pair for which both heads learned from one seed or more.

    An image's difference is in how many more seeds two nodes were correct than one: test images are
    the units of the sign-flip test. `adjusted` is for all pairs, recipes, and the other question.
    """
    pairs = group(_matched(scored), lambda both: (both[0].trial.recipe, both[0].trial.classes))
    rows = [_compare(matched) for matched in pairs]
    return _adjusted(rows, [row["p_value"] for row in rows])


def _adjusted(rows: Sequence[Row], p_values: Sequence[float]) -> list[Row]:
    adjusted = [min(1.0, QUESTIONS * one) for one in holm(p_values)]
    return [row | {"adjusted": one} for row, one in zip(rows, adjusted, strict=True)]


def compare_heads(pairs: Sequence[Row], scored: Sequence[ScoredTrial]) -> list[Row]:
    """A row for each recipe over all of its pairs, which `compare_pairs` found of the same trials.

    On `fewer`, `equal` and `more` pairs two nodes made fewer errors than one, as many, or more; on
    `different` ones the adjusted p value is significant. Units of sign-flip tests are pairs and, as
    these have images in common, test images; `adjusted` is the larger p value, for all recipes.
    """
    rows = [_sum_up(same, scored) for same in group(pairs, itemgetter("recipe"))]
    larger = [max(row["p_value"], row["image_p_value"]) for row in rows]
    of_all = {"tests": len(pairs), "recipes": len(rows)}
    return [row | of_all for row in _adjusted(rows, larger)]


def _sum_up(pairs: Sequence[Row], scored: Sequence[ScoredTrial]) -> Row:
    differences = np.array([pair["two_errors"] - pair["one_errors"] for pair in pairs])
    return {
        "recipe": pairs[0]["recipe"],
        "pairs": len(pairs),
        "fewer": int((differences < 0).sum()),
        "equal": int((differences == 0).sum()),
        "more": int((differences > 0).sum()),
        "two_errors": sum(pair["two_errors"] for pair in pairs),
        "one_errors": sum(pair["one_errors"] for pair in pairs),
        "predictions": sum(pair["n"] * pair["seeds"] for pair in pairs),
        "p_value": sign_flip_p_value(differences),
        "image_p_value": _test_images([s for s in scored if s.trial.recipe == pairs[0]["recipe"]]),
        "least_adjusted": min(pair["adjusted"] for pair in pairs),
        "different": sum(pair["adjusted"] < SIGNIFICANT for pair in pairs),
    }


def _test_images(scored: Sequence[ScoredTrial]) -> float:
    # of each test image, over all pairs and seeds
    differences = np.zeros(max(int(one.rows.max()) for one in scored) + 1, np.int64)
    for two, one in _matched(scored):
        differences[one.rows] += two.hits.astype(np.int64) - one.hits
    return sign_flip_p_value(differences)


def _matched(scored: Sequence[ScoredTrial]) -> list[tuple[ScoredTrial, ScoredTrial]]:
    found = {one.trial: one for one in scored if one.result.learned}
    both = [(one.trial.model_copy(update={"head": TWO}), one) for one in found.values()]
    return [(found[two], one) for two, one in both if one.trial.head == ONE and two in found]


def _compare(matched: Sequence[tuple[ScoredTrial, ScoredTrial]]) -> Row:
    two, one = (np.sum([both[head].hits for both in matched], axis=0) for head in (0, 1))
    predictions = len(two) * len(matched)
    return {
        **matched[0][0].about("recipe", "classes", "n"),
        "seeds": len(matched),
        "two_errors": predictions - int(two.sum()),
        "one_errors": predictions - int(one.sum()),
        "two_better": int((two > one).sum()),
        "one_better": int((one > two).sum()),
        "p_value": sign_flip_p_value(two - one),
    }


def measure_spread(transfers: Sequence[Row]) -> Row:
    """How much the accuracy of one recipe and head on a subset varies over seeds.

    Sample deviations (0..1) are of subsets for which two seeds or more learned, else None. `times`,
    median and largest, is how many times that of draws of as many test images, sqrt(p (1 - p) / n),
    with one more right and one wrong. Total errors are over subsets for which all seeds learned.
    """
    import pandas as pd

    by_seed = [dict(zip(row["seeds"], row["errors"], strict=True)) for row in transfers]
    errors, n = pd.DataFrame(by_seed, dtype=float), pd.Series([row["n"] for row in transfers])
    deviations, wrong = errors.std(axis=1) / n, (errors.mean(axis=1) + 1) / (n + 2)
    times = deviations / np.sqrt(wrong * (1 - wrong) / n)
    complete, is_known = errors.dropna().sort_index(axis=1), deviations.notna().any()
    totals = zip(complete.columns.tolist(), complete.sum().tolist(), strict=True)
    return {
        "recipe": transfers[0]["recipe"],
        "head": transfers[0]["head"],
        "subsets": int(deviations.count()),
        "median": float(deviations.median()) if is_known else None,
        "largest": float(deviations.max()) if is_known else None,
        "times": [float(times.median()), float(times.max())] if is_known else [],
        "above": int((times >= 1).sum()),
        "widest": transfers[int(np.nanargmax(deviations))]["classes"] if is_known else None,
        "complete": len(complete),
        "totals": [{"seed": seed, "errors": int(total)} for seed, total in totals],
    }


def count_attempts(trials: Sequence[ScoredTrial]) -> Row:
    """How many initialisations of one recipe and head are dead, and why.

    One trial needed `most` attempts; `without` counts the trials that did not learn.
    """
    attempts = [one.result.attempts for one in trials]
    outcomes = [attempt.outcome for made in attempts for attempt in made]
    reasons = Counter(
        # without the accuracy, which is another one each time
        "hardly better than chance" if outcome.startswith("accuracy") else outcome
        for outcome in outcomes
        if outcome != LEARNED
    )
    return {
        **trials[0].about("recipe", "head"),
        "trials": len(trials),
        "attempts": len(outcomes),
        "dead": reasons.total(),
        "most": max(map(len, attempts)),
        "without": sum(not one.result.learned for one in trials),
        "reasons": dict(reasons.most_common()),
    }
