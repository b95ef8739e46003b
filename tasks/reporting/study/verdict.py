"""The verdict of a study of many transfers: sentences computed from its numbers."""

from collections.abc import Sequence
from operator import itemgetter
from statistics import median

from tasks.reporting.page import SIGNIFICANT, Finding, enumerated, percent
from tasks.reporting.study import records


def reach_verdict(found: records.Analysis) -> list[Finding]:
    """What a reader should take away of the rest of the analysis, in the order of its sections."""
    return [
        judge_trials(found["overview"], found["transfers"]),
        *(judge_pairs(heads) for heads in found["heads"]),
        judge_spread(found["spread"], found["overview"]["seeds"]),
        *([judge_hardest(found["hardest"])] if found["overview"]["learned"] else []),
        judge_attempts(found["attempts"]),
    ]


def judge_trials(
    overview: records.OverviewRow, transfers: Sequence[records.TransferRow]
) -> Finding:
    """Whether every trial learned, and how well."""
    evidence = [
        _accuracies(recipe, [row for row in transfers if row["recipe"] == recipe])
        for recipe in overview["recipes"]
    ]
    dead = overview["trials"] - overview["learned"]
    claim = f"All {overview['trials']:,} trials on {overview['bases']} learned."
    if not overview["learned"]:
        claim = "No trial learned."
    elif dead:
        claim = (
            f"{dead:,} of {overview['trials']:,} trials did not learn; results are of the others."
        )
    elif overview["trials"] == 1:
        claim = f"The only trial, on {overview['bases']}, learned."
    return Finding(claim=claim, evidence="; ".join(evidence))


def judge_pairs(heads: records.PairsRow) -> Finding:
    """Whether one of the two heads is better over all pairs, or on one of them."""
    two, one, n = heads["two_errors"], heads["one_errors"], heads["predictions"]
    pairs = f"{heads['pairs']} pair{'s' * (heads['pairs'] > 1)}"
    counts = f"{two:,} against {one:,} errors of {n:,} predictions"
    claim = f"two output nodes and one were not shown to differ: {counts}."
    if heads["adjusted"] < SIGNIFICANT:
        fewer = "two output nodes make" if two < one else "one output node makes"
        less, more = sorted((two, one))
        claim = f"{fewer} {1 - less / more:.0%} fewer errors: {less:,} against {more:,} of {n:,} "
        claim += f"predictions on {pairs}."
    elif heads["different"]:
        claim = f"two output nodes and one differ on {heads['different']} of {pairs}, and were not "
        claim += f"shown to differ over all: {counts}."
    return Finding(
        claim=f"With the recipe {heads['recipe']}, {claim}",
        evidence=(
            f"Pairs on which two nodes made fewer errors: {heads['fewer']}, equal: "
            f"{heads['equal']}, more: {heads['more']} (exact sign-flip test, p = "
            f"{heads['p_value']:.2g}, adjusted for all recipes {heads['adjusted']:.2g}). Pair by "
            f"pair, adjusted for all recipes' {heads['tests']} "
            f"test{'s' * (heads['tests'] > 1)}, {heads['different']} "
            f"differ{'s' * (heads['different'] == 1)} (least p = {heads['least_adjusted']:.2g})"
        ),
    )


def judge_spread(spread: Sequence[records.SpreadRow], seeds: Sequence[int]) -> Finding:
    """Whether one seed is enough to judge a subset, as well as its test images can."""
    known = [row for row in spread if row["times"]]
    if len(seeds) == 1:
        claim = "The variation over seeds is unknown: one seed was asked for."
        return Finding(claim=claim, evidence=f"Seed {seeds[0]}")
    if not known:
        return Finding(
            claim="The variation over seeds is unknown.",
            evidence="No subset has two seeds that learned",
        )
    evidence = "; ".join(map(_describe_spread, known))
    claim = "One seed is not enough to judge a subset: accuracy varies more over seeds than over "
    claim += "draws of as many test images."
    if max(row["times"][1] for row in known) < 1:
        claim = "The seed matters less than which test images there are, in every subset."
    elif max(row["times"][0] for row in known) < 1:
        claim = "The seed matters less than which test images there are in most subsets, in some "
        claim += "it matters more."
    return Finding(claim=claim, evidence=f"Standard deviation of the accuracy: {evidence}")


def _describe_spread(row: records.SpreadRow) -> str:
    median, largest = (100 * (value or 0) for value in (row["median"], row["largest"]))
    times = " and ".join(f"{one:.2g}" for one in row["times"])
    return (
        f"{row['recipe']} {row['head']} {median:.2g} points over seeds in the median subset, "
        f"{largest:.2g} on {enumerated(row['widest'] or [])}, in the median and at most {times} "
        "times that over draws of test images"
    )


def judge_hardest(hardest: Sequence[records.HardestRow]) -> Finding:
    """Which classes are hardest to tell apart."""
    if not hardest:
        return Finding(
            claim="No errors were made.", evidence="On test images, by trials that learned"
        )
    images = [image for row in hardest for image in row["images"]]
    always = {image["image"] for image in images if image["wrong"] == image["trials"]}
    evidence = "Mean accuracy " + ", ".join(
        f"{row['recipe']} {enumerated(row['classes'])}: {percent(row['accuracy'])}"
        for row in hardest
    )
    return Finding(
        claim=f"Hardest to tell apart: {enumerated(hardest[0]['classes'])}.",
        evidence=f"{evidence}. Images shown that were wrong in every trial: {len(always)}",
    )


def judge_attempts(attempts: Sequence[records.AttemptsRow]) -> Finding:
    """How many initialisations are dead."""
    made, dead = sum(row["attempts"] for row in attempts), sum(row["dead"] for row in attempts)
    if not dead:
        return Finding(claim="Every initialisation learned.", evidence=f"Initialisations: {made:,}")
    return Finding(
        claim=f"The health gate stopped {dead:,} of {made:,} initialisations.",
        evidence="; ".join(
            f"{row['recipe']} {row['head']}: {row['dead']:,} of {row['attempts']:,}, at most "
            f"{row['most']:,} for one trial"
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
    return (
        f"{recipe}: accuracy {percent(middle)} in the median subset and head, least "
        f"{percent(least)} on {enumerated(worst['classes'])} ({worst['head']})"
    )
