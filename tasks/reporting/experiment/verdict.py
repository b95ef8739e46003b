"""The verdict: a few sentences computed from the numbers, each with its evidence."""

from collections.abc import Sequence

from tasks.reporting.experiment.benefit import judge_benefit
from tasks.reporting.page import Finding, Row, phrase, say
from tasks.schemas.results import OTHER_CLASSES

UNEQUAL = 2  # times as many test images as another class has


def reach_verdict(found: Row) -> list[Finding]:
    """What a reader should take away; first whether transfer helps, if that was asked."""
    models, heads = found["models"], found["heads"]
    base = phrase("experiment", "base", found["base"])
    last, efficiency = models[-1]["recipe"], found["label_efficiency"]
    refused = [row for row in found["refusals"] if row["recipe"] == last]
    findings = (
        judge_benefit(efficiency, base) if efficiency else None,
        judge_transfers(models, base),
        judge_recall([model for model in models if model["recipe"] == last]),
        say("experiment", "heads", heads[-1]) if heads else None,
        judge_refusals(refused) if refused else None,
    )
    return [one for one in findings if one]


def judge_transfers(models: Sequence[Row], base: str) -> Finding:
    """Whether every head is of use, and what the base had seen before, in words."""
    bases = [model for model in models if model["model"] == "base"]
    heads = [model for model in models if model["model"] != "base"]
    least = [head["n"] - max(map(sum, head["confusion"])) for head in heads]  # of the largest class
    useless = [head for head, errors in zip(heads, least, strict=True) if head["errors"] >= errors]
    return say("experiment", "transfers", heads, bases, useless, base)


def judge_recall(models: Sequence[Row]) -> Finding | None:
    """Whether a class is recognised less than the accuracy says; None if not, and all are equal."""
    tested = [(model, model["recall"]["classes"]) for model in models]
    behind = [(one, [row for row in rows if row["most"] < one["accuracy"]]) for one, rows in tested]
    worse = [(model, rows) for model, rows in behind if rows]
    counts = [row["n"] for _, rows in tested for row in rows]
    if not worse and max(counts) < UNEQUAL * min(counts):
        return None
    return say("experiment", "recall", models, worse)


def judge_refusals(refusals: Sequence[Row]) -> Finding:
    """What models refuse of other images, and whether they keep what they promise of their own."""
    promised = [row for row in refusals if row["promise"] != "none"]
    broken = [row for row in promised if row["kinds"][0]["low"] > row["share"]]
    kinds = [kind for row in promised for kind in row["kinds"][1:]]
    classes = [kind for kind in kinds if kind["kind"] in OTHER_CLASSES]
    # of noise and the like where the data have no other classes
    least = min((kind["refused"] / kind["n"] for kind in classes or kinds), default=None)
    return say("experiment", "refusals", refusals, promised, broken, classes, least)
