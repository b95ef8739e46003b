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
        judge_spread(found["spread"]),
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
    trials = f"{overview['trials']:,} trials"
    if not overview["learned"]:
        claim = "No trial learned."
    elif dead:
        claim = f"{dead:,} of {trials} never learned; results are of the others."
    else:
        claim = f"The features of {overview['bases']} transfer: all {trials} learned."
    return Finding(claim=claim, evidence="; ".join(evidence))


def judge_pairs(heads: records.PairsRow) -> Finding:
    """Whether one of the two heads is better over all pairs, or on one of them."""
    fewer = "two output nodes make" if heads["two_errors"] < heads["one_errors"] else "one makes"
    where = f"With the recipe {heads['recipe']}"
    if heads["p_value"] < SIGNIFICANT:
        claim = f"{where}, {fewer} fewer errors over all pairs."
    elif heads["different"]:
        differ = f"they differ on {heads['different']} of {heads['pairs']} pairs"
        claim = f"{where}, neither two output nodes nor one is better throughout, but {differ}."
    else:
        claim = f"{where}, two output nodes and one cannot be distinguished."
    return Finding(
        claim=claim,
        evidence=(
            f"Errors in all: two nodes {heads['two_errors']:,}, one node {heads['one_errors']:,}. "
            f"Pairs on which two nodes made fewer: {heads['fewer']}, equal: {heads['equal']}, "
            f"more: {heads['more']} (exact sign-flip test, p = {heads['p_value']:.2g}). "
            f"Pair by pair, adjusted for {heads['pairs']} tests, {heads['different']} differ "
            f"(least p = {heads['least_adjusted']:.2g})"
        ),
    )


def judge_spread(spread: Sequence[records.SpreadRow]) -> Finding:
    """Whether one seed is enough to judge a subset."""
    medians = [row["median"] for row in spread if row["median"] is not None]
    largest = [row["largest"] for row in spread if row["largest"] is not None]
    if not largest:
        return Finding(
            claim="The variation over seeds is unknown.",
            evidence="No subset has two seeds that learned",
        )
    evidence = "Standard deviation of the errors in the median subset, and at most: " + "; ".join(
        f"{row['recipe']} {row['head']} {row['median']:.1f}, {row['largest']:.1f} on "
        f"{enumerated(row['widest'])}"
        for row in spread
        if row["widest"]
    )
    claim = "One seed is not enough to judge a subset: errors vary over seeds."
    if max(largest) < 1:
        claim = "The seed hardly matters."
    elif max(medians) < 1:
        claim = "In most subsets the seed hardly matters, in some it does."
    return Finding(claim=claim, evidence=evidence)


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
        evidence=f"{evidence}. Of the images shown, {len(always)} were wrong in every trial",
    )


def judge_attempts(attempts: Sequence[records.AttemptsRow]) -> Finding:
    """How many initialisations are dead."""
    made, dead = sum(row["attempts"] for row in attempts), sum(row["dead"] for row in attempts)
    if not dead:
        return Finding(claim="Every initialisation learned.", evidence=f"All {made:,} of them")
    return Finding(
        claim=f"{dead:,} of {made:,} initialisations never learned and were discarded.",
        evidence="; ".join(
            f"{row['recipe']} {row['head']}: {row['dead']:,} of {row['attempts']:,}, with up to "
            f"{row['most']} attempts for a trial"
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
