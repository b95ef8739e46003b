"""The verdict of a study of many transfers: sentences computed from its numbers."""

from collections.abc import Sequence
from operator import itemgetter
from statistics import median

from tasks.reporting.page import SIGNIFICANT, Finding, enumerated, percent
from tasks.reporting.study import records


def reach_verdict(found: records.Analysis) -> list[Finding]:
    """What a reader should take away of the rest of the analysis, in the order of its sections."""
    overview, hardest = found["overview"], found["hardest"]
    return [
        judge_trials(overview, found["transfers"]),
        *(judge_pairs(heads) for heads in found["heads"]),
        judge_spread(found["spread"], overview["seeds"]),
        *([judge_hardest(hardest, overview["subsets"])] if overview["learned"] else []),
        judge_attempts(found["attempts"]),
    ]


def judge_trials(
    overview: records.OverviewRow, transfers: Sequence[records.TransferRow]
) -> Finding:
    """Whether every trial learned, and how well."""
    trials, learned, bases = overview["trials"], overview["learned"], overview["bases"]
    evidence = [
        _accuracies(recipe, [row for row in transfers if row["recipe"] == recipe])
        for recipe in overview["recipes"]
    ]
    claim = f"All {trials:,} trials on {bases} learned."
    if trials == 1:
        claim = f"The only trial, on {bases}, {'learned' if learned else 'did not learn'}."
    elif not learned:
        claim = "No trial learned."
    elif learned < trials:
        claim = f"{trials - learned:,} of {trials:,} trials did not learn; results are of the "
        claim += f"other {learned:,}."
    return Finding(claim=claim, evidence="; ".join(evidence))


def judge_pairs(heads: records.PairsRow) -> Finding:
    """Whether one of the two heads makes fewer errors over all pairs, or on one of them."""
    two, one, n = heads["two_errors"], heads["one_errors"], heads["predictions"]
    counts = f"{two:,} against {one:,} errors of {n:,} predictions"
    claim = f"two output nodes and one were not shown to differ: {counts}."
    if heads["adjusted"] < SIGNIFICANT:
        fewer = "two output nodes make" if two < one else "one output node makes"
        claim = f"{fewer} fewer errors, by {100 * abs(two - one) / n:.3g} percentage points: "
        claim += f"{min(two, one):,} against {max(two, one):,} of {n:,} predictions on "
        claim += f"{heads['pairs']} pair{_s(heads['pairs'])}."
    elif heads["different"]:
        differ = f"{heads['different']} of {heads['pairs']} pairs and were not shown to differ over"
        where = "the only pair" if heads["pairs"] == 1 else f"{differ} all"
        claim = f"two output nodes and one, as trained here, differ on {where}: {counts}."
    return Finding(
        claim=f"With the recipe {heads['recipe']}, {claim}", evidence=_describe_tests(heads)
    )


def _describe_tests(heads: records.PairsRow) -> str:
    pairs, recipes, tests = heads["pairs"], heads["recipes"], heads["tests"]
    return (
        f"Two nodes made fewer errors on {heads['fewer']} of {pairs} pair{_s(pairs)}, as many on "
        f"{heads['equal']}, more on {heads['more']}. Exact sign-flip tests over pairs and over "
        f"images: larger p = {max(heads['p_value'], heads['image_p_value']):.3g}, adjusted for "
        f"{recipes} recipe{_s(recipes)} {heads['adjusted']:.3g}. Pair by pair, adjusted for the "
        f"{tests} test{_s(tests)} of all recipes, {heads['different']} "
        f"differ{'s' * (heads['different'] == 1)} (least p = {heads['least_adjusted']:.3g}). "
        "Adjusted by Holm's method, and doubled for two questions"
    )


def judge_spread(spread: Sequence[records.SpreadRow], seeds: Sequence[int]) -> Finding:
    """Where the accuracy varies at least as much over seeds as over draws of n test images."""
    if len(seeds) == 1:
        claim = "The variation over seeds is unknown: one seed was asked for."
        return Finding(claim=claim, evidence=f"Seed {seeds[0]}")
    known = [row for row in spread if row["times"]]
    if not known:
        evidence = "No head learned a subset from two seeds"
        return Finding(claim="The variation over seeds is unknown.", evidence=evidence)
    above, subsets = sum(row["above"] for row in known), sum(row["subsets"] for row in known)
    enough = ": one seed is not enough to judge a subset" if 2 * above > subsets else ""
    return Finding(
        claim="The accuracy varied at least as much over seeds as over draws of as many test "
        f"images for {above or 'none'} of {subsets:,} combination{_s(subsets)} of recipe, head and "
        f"subset{enough}.",
        evidence="Standard deviation over seeds, in percentage points of accuracy: "
        + "; ".join(map(_describe_spread, known)),
    )


def _describe_spread(row: records.SpreadRow) -> str:
    median, largest = (100 * (value or 0) for value in (row["median"], row["largest"]))
    middle, most = row["times"]
    return (
        f"{row['recipe']} {row['head']} on {row['subsets']} subset{_s(row['subsets'])}: median "
        f"{median:.2g}, most {largest:.2g} on {enumerated(row['widest'] or [])}; median "
        f"{middle:.2g} and most {most:.2g} times that over draws"
    )


def judge_hardest(hardest: Sequence[records.HardestRow], subsets: int) -> Finding:
    """On which of the study's `subsets` the mean accuracy is lowest, ties included."""
    if not hardest:
        return Finding(
            claim="No errors were made.", evidence="On test images, by trials that learned"
        )
    lowest = [row for row in hardest if row["accuracy"] == hardest[0]["accuracy"]]
    names = "; ".join(dict.fromkeys(enumerated(row["classes"]) for row in lowest))
    images = [image for row in hardest for image in row["images"]]
    always = {image["image"] for image in images if image["wrong"] == image["trials"]}
    evidence = ", ".join(
        f"{row['recipe']} {enumerated(row['classes'])}: {percent(row['accuracy'])}"
        for row in hardest
    )
    claim = f"Hardest to tell apart, by mean accuracy: {names}."
    return Finding(
        claim=claim if subsets > 1 else f"Errors were made on {names}, the only subset.",
        evidence=f"Mean accuracy {evidence}. Images shown that every trial of a recipe and subset "
        f"that learned got wrong: {len(always)}",
    )


def judge_attempts(attempts: Sequence[records.AttemptsRow]) -> Finding:
    """How many initialisations the health gate stopped."""
    made, dead = sum(row["attempts"] for row in attempts), sum(row["dead"] for row in attempts)
    if not dead:
        claim = "Every initialisation learned." if made > 1 else "The only initialisation learned."
        return Finding(claim=claim, evidence=f"Initialisations: {made:,}")
    return Finding(
        claim=f"The health gate stopped {dead:,} of {made:,} initialisation{_s(made)}.",
        evidence="; ".join(
            f"{row['recipe']} {row['head']}: {row['dead']:,} of {row['attempts']:,} (most attempts "
            f"for a trial: {row['most']:,})"
            for row in attempts
            if row["dead"]
        ),
    )


def _accuracies(recipe: str, transfers: Sequence[records.TransferRow]) -> str:
    learned = [(row["accuracy"], row) for row in transfers if row["accuracy"] is not None]
    if not learned:
        return f"{recipe}: none learned"
    middle = median(accuracy for accuracy, _ in learned)
    least, worst = min(learned, key=itemgetter(0))
    where = f"{percent(least)} on {enumerated(worst['classes'])} ({worst['head']})"
    if len(learned) == 1:
        return f"{recipe}: accuracy {where}"
    return f"{recipe}: accuracy {percent(middle)} in the median subset and head, least {where}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
