"""The verdict: a few sentences computed from the numbers, each with its evidence."""

from collections.abc import Sequence

from tasks.data.names import shown_names
from tasks.reporting.experiment import records
from tasks.reporting.page import SIGNIFICANT, Finding, percent
from tasks.schemas.results import OTHER_CLASSES


def reach_verdict(
    models: Sequence[records.ModelRow],
    base: records.BaseRow,
    heads: Sequence[records.HeadsRow],
    label_efficiency: records.LabelEfficiencyRow | None,
    refusals: Sequence[records.RefusalRow],
) -> list[Finding]:
    """What a reader should take away, in the order of the report's sections; see `analyse`."""
    findings = [judge_transfers(models, base)]
    if heads:
        findings.append(judge_heads(heads[-1]))
    if label_efficiency:
        findings.append(judge_label_efficiency(label_efficiency))
    if refusals:
        last = refusals[-1]["recipe"]
        findings.append(judge_refusals([row for row in refusals if row["recipe"] == last]))
    return findings


def judge_transfers(models: Sequence[records.ModelRow], base: records.BaseRow) -> Finding:
    """Whether every transferred head learned, and what the base had seen before."""
    heads = [model for model in models if model["model"] != "base"]
    dead = [model for model in heads if not model["learned"]]
    evidence = "; ".join(
        f"{_name(head)}: {head['errors']} of {head['n']:,} wrong, 95 % confidence interval of the "
        f"accuracy {percent(head['low'])} to {percent(head['high'])}"
        for head in heads
    )
    lost = sum(model["attempts"] - 1 for model in models)
    claim = f"The features of {_describe_base(base)} transfer: every transferred head learned"
    if dead:
        names = " and ".join(_name(head) for head in dead)
        claim = f"Do not use {names}: always predicting the most frequent class is as accurate"
    elif lost:
        were = "s that never learned were" if lost > 1 else " that never learned was"
        claim += f", after {lost} initialisation{were} discarded"
    return Finding(claim=f"{claim}.", evidence=evidence)


def judge_heads(heads: records.HeadsRow) -> Finding:
    """Whether one of the two heads is better."""
    first, second = heads["only_first"], heads["only_second"]
    evidence = (
        f"With the recipe {heads['recipe']} both agree on {percent(heads['agreement'])} of "
        f"{heads['n']:,} test images; only two nodes are correct on {first}, only one on {second} "
        f"(exact McNemar test, p = {heads['p_value']:.2g})"
    )
    better = "two output nodes are" if first > second else "one output node is"
    claim = f"For these classes {better} better."
    if heads["p_value"] >= SIGNIFICANT:
        claim = "Two output nodes or one: they cannot be distinguished."
    return Finding(claim=claim, evidence=evidence)


def judge_label_efficiency(label_efficiency: records.LabelEfficiencyRow) -> Finding:
    """Whether the frozen backbone beats the baselines, `scratch` and `linear`.

    With few labels it has to be better in every draw, which happens by chance once in 32 times for
    five draws; with all labels, McNemar's test decides.
    """
    frozen, *others = label_efficiency["approaches"]
    baselines = [other for other in others if other["approach"] in ("scratch", "linear")]
    with_all = _compare_with_all_labels(frozen, baselines)
    errors = ", ".join(
        f"{one['approach']} {one['errors']} (p = {one['against_frozen']['p_value']:.2g})"
        for one in others
    )
    evidence = (
        f"Errors of {label_efficiency['n']:,} with all labels: frozen {frozen['errors']}, {errors}"
    )
    few = _beaten_at(frozen, baselines)
    claim = "Transfer showed no benefit with few labels"
    if few:
        images, best = few[0]["images"], max(point["mean"] for point in few[1:])
        claim = f"Transfer helps where labels are few, up to {images:,} images"
        evidence = (
            f"With {images:,} labelled images, frozen {percent(few[0]['mean'])} on average and the "
            f"best baseline {percent(best)}, worse in each of {label_efficiency['draws']} draws. "
            f"{evidence}"
        )
    return Finding(claim=f"{claim}; {with_all}.", evidence=evidence)


def judge_refusals(refusals: Sequence[records.RefusalRow]) -> Finding:
    """What models refuse of other images, and whether they keep what they promise of their own."""
    share = f"{100 * refusals[0]['share']:g}\u00a0%"
    evidence = "; ".join(
        f"{_name(row)} refuses {', '.join(map(_count, row['kinds']))}" for row in refusals
    )
    broken = [row for row in refusals if row["promise"] != "none" and _is_broken(row)]
    if broken:
        names = " and ".join(_name(row) for row in broken)
        claim = f"More than the promised {share} of their own test images are refused by {names}."
    elif all(row["promise"] == "none" for row in refusals):
        few = f"{min(row['held_out'] for row in refusals):,} held-out images of their classes"
        claim = f"The models refuse nothing: {few} are too few to lose at most {share} of them."
    else:
        least = min(_refused_of_others(row) for row in refusals if row["promise"] != "none")
        claim = (
            f"At the cost of at most {share} of their own images, the models refuse "
            f"{percent(least, 1)} or more of others."
        )
    return Finding(claim=claim, evidence=evidence)


def _is_broken(row: records.RefusalRow) -> bool:
    return row["kinds"][0]["low"] > row["share"]


def _refused_of_others(row: records.RefusalRow) -> float:
    """Of the other classes of the data, or of noise and the like where there are none."""
    others = [kind for kind in row["kinds"] if kind["kind"] in OTHER_CLASSES] or row["kinds"][1:]
    return min(kind["refused"] / kind["n"] for kind in others)


def _count(kind: records.RefusedRow) -> str:
    return f"{kind['refused']:,} of {kind['n']:,} ({kind['kind']})"


def _compare_with_all_labels(
    frozen: records.ApproachRow, baselines: Sequence[records.ApproachRow]
) -> str:
    best = min(baselines, key=lambda baseline: (baseline["errors"], baseline["approach"]))
    name = {
        "scratch": "the same network trained from scratch",
        "linear": "a linear model on pixels",
    }[best["approach"]]
    if best["against_frozen"]["p_value"] >= SIGNIFICANT:
        return f"with all of them it cannot be distinguished from {name}"
    if frozen["errors"] < best["errors"]:
        return f"with all of them it is still better than {name}"
    return f"with all of them {name} is better"


def _beaten_at(
    frozen: records.ApproachRow, baselines: Sequence[records.ApproachRow]
) -> list[records.PointRow]:
    """The points with the most labels, but not all, at which the frozen backbone beats baselines.

    With all labels every draw is the same, so they are no evidence.
    """
    sizes = zip(*(approach["points"][:-1] for approach in (frozen, *baselines)), strict=True)
    beaten = [points for points in sizes if all(_is_better(points[0], p) for p in points[1:])]
    return list(beaten[-1]) if beaten else []


def _is_better(point: records.PointRow, baseline: records.PointRow) -> bool:
    draws = zip(point["accuracies"], baseline["accuracies"], strict=True)
    return all(ours > theirs for ours, theirs in draws)


def _describe_base(base: records.BaseRow) -> str:
    if base["other_images"]:
        return "a base of other images"
    if not base["seen"]:
        return "a base that had seen none of these classes"
    if len(base["seen"]) == base["asked"]:
        return "a base that had seen these classes and images"
    return f"a base that had seen {shown_names(base['seen'])} of these classes"


def _name(model: records.ByModel) -> str:
    return f"{model['recipe']} {model['model']}"
