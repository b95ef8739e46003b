"""The verdict: a few sentences computed from the numbers, each with its evidence."""

from collections.abc import Sequence

from tasks.data.names import shown_names
from tasks.reporting.experiment import records
from tasks.reporting.experiment.benefit import judge_benefit
from tasks.reporting.experiment.recall import judge_recall
from tasks.reporting.experiment.records import name_of
from tasks.reporting.page import SIGNIFICANT, Finding, percent
from tasks.schemas.results import OTHER_CLASSES


def reach_verdict(
    models: Sequence[records.ModelRow],
    base: records.BaseRow,
    heads: Sequence[records.HeadsRow],
    label_efficiency: records.LabelEfficiencyRow | None,
    refusals: Sequence[records.RefusalRow],
) -> list[Finding]:
    """What a reader should take away; first whether transfer helps, if that was asked."""
    last = models[-1]["recipe"]
    recall = judge_recall([model for model in models if model["recipe"] == last])
    refused = [row for row in refusals if row["recipe"] == last]
    return [
        *([judge_benefit(label_efficiency, _describe_base(base))] if label_efficiency else []),
        judge_transfers(models, base),
        *([recall] if recall else []),
        *([judge_heads(heads[-1])] if heads else []),
        *([judge_refusals(refused)] if refused else []),
    ]


def judge_transfers(models: Sequence[records.ModelRow], base: records.BaseRow) -> Finding:
    """Whether every head is of use, and what the base had seen before."""
    heads = [model for model in models if model["model"] != "base"]
    useless = [head for head in heads if head["errors"] >= _errors_of_the_largest(head)]
    evidence = "; ".join(
        f"{name_of(head)}: {head['errors']:,} of {head['n']:,} wrong, 95 % confidence interval of "
        f"the accuracy {percent(head['low'])} to {percent(head['high'])}"
        for head in heads
    )
    claim = f"Every head on {_describe_base(base)} learned{_stopped(models)}"
    if useless:
        names = " and ".join(map(name_of, useless))
        claim = f"Do not use {names}: always predicting the most frequent class is as accurate"
    return Finding(claim=f"{claim}.", evidence=evidence)


def _errors_of_the_largest(model: records.ModelRow) -> int:
    return model["n"] - max(map(sum, model["confusion"]))


def _stopped(models: Sequence[records.ModelRow]) -> str:
    """How many initialisations the health gate gave up, of bases and of heads."""
    of_bases = sum(model["attempts"] - 1 for model in models if model["model"] == "base")
    of_heads = sum(model["attempts"] - 1 for model in models) - of_bases
    counts = [(of_bases, "bases"), (of_heads, "heads")]
    stopped = [f"{n:,} initialisation{'s' * (n > 1)} of {name}" for n, name in counts if n]
    return f"; the health gate stopped {' and '.join(stopped)}" if stopped else ""


def judge_heads(heads: records.HeadsRow) -> Finding:
    """Whether one of the two heads is better."""
    first, second, n = heads["only_first"], heads["only_second"], heads["n"]
    evidence = (
        f"With the recipe {heads['recipe']} both agree on {percent(heads['agreement'])} of "
        f"{n:,} test images; only two nodes are correct on {first:,}, only one on {second:,} "
        f"(exact McNemar test, p = {heads['p_value']:.2g})"
    )
    better = "two output nodes are" if first > second else "one output node is"
    claim = f"For these classes {better} better, by {abs(first - second):,} of {n:,} test images."
    if heads["p_value"] >= SIGNIFICANT:
        claim = "Two output nodes and one were not shown to differ."
    return Finding(claim=claim, evidence=evidence)


def judge_refusals(refusals: Sequence[records.RefusalRow]) -> Finding:
    """What models refuse of other images, and whether they keep what they promise of their own."""
    share = f"{100 * refusals[0]['share']:g}\u00a0%"
    evidence = "; ".join(
        f"{name_of(row)} refuses {', '.join(map(_count, row['kinds']))}" for row in refusals
    )
    broken = [row for row in refusals if row["promise"] != "none" and _is_broken(row)]
    if broken:
        names = " and ".join(name_of(row) for row in broken)
        claim = f"More than the promised {share} of their own test images are refused by {names}."
    elif all(row["promise"] == "none" for row in refusals):
        few = f"{min(row['held_out'] for row in refusals):,} held-out images of their classes"
        claim = f"The models refuse nothing: {few} are too few to lose at most {share} of them."
    else:
        promised = [row for row in refusals if row["promise"] != "none"]
        least, others = _refused_of_others(promised)
        which = "" if promised == list(refusals) else f", by {' and '.join(map(name_of, promised))}"
        claim = (
            f"At the cost of at most {share} of their own images, {percent(least, 1)} or more of "
            f"{others} are refused{which}."
        )
    return Finding(claim=claim, evidence=evidence)


def _is_broken(row: records.RefusalRow) -> bool:
    return row["kinds"][0]["low"] > row["share"]


def _refused_of_others(rows: Sequence[records.RefusalRow]) -> tuple[float, str]:
    """The least share of the other classes of the data, or of noise and the like without any."""
    kinds = [kind for row in rows for kind in row["kinds"][1:]]
    classes = [kind for kind in kinds if kind["kind"] in OTHER_CLASSES]
    least = min(kind["refused"] / kind["n"] for kind in classes or kinds)
    return least, "other classes' images" if classes else "noise and the like"


def _count(kind: records.RefusedRow) -> str:
    return f"{kind['refused']:,} of {kind['n']:,} ({kind['kind']})"


def _describe_base(base: records.BaseRow) -> str:
    if base["other_images"]:
        return "a base of other images"
    if not base["seen"]:
        return "a base that had seen none of these classes"
    if len(base["seen"]) == base["asked"]:
        return "a base that had seen these classes and images"
    return f"a base that had seen {shown_names(base['seen'])} of these classes"
