"""The verdict: a few sentences computed from the numbers, each with its evidence."""

from collections.abc import Sequence

from tasks.reporting.experiment.records import (
    ApproachRow,
    Finding,
    HeadsRow,
    LabelEfficiencyRow,
    ModelRow,
    PointRow,
    UnknownRow,
)
from tasks.reporting.page import percent

SIGNIFICANT = 0.05


def reach_verdict(
    models: Sequence[ModelRow],
    heads: Sequence[HeadsRow],
    label_efficiency: LabelEfficiencyRow | None,
    unknown_classes: Sequence[UnknownRow],
) -> list[Finding]:
    """What a reader should take away, in the order of the report's sections.

    Args:
        models: All models; see `describe_models`.
        heads: A comparison of both heads for each recipe, or none; see `compare_heads`.
        label_efficiency: See `describe_label_efficiency`; None if there was none.
        unknown_classes: A row for each head, or none.
    """
    findings = [judge_transfers(models)]
    if heads:
        findings.append(judge_heads(heads[-1]))
    if label_efficiency:
        findings.append(judge_benefit(label_efficiency))
    if unknown_classes:
        findings.append(
            judge_unknown_classes(
                [n for n in unknown_classes if n["recipe"] == unknown_classes[-1]["recipe"]]
            )
        )
    return findings


def judge_transfers(models: Sequence[ModelRow]) -> Finding:
    """Whether every transferred head learned."""
    heads = [model for model in models if model["model"] != "base"]
    dead = [model for model in heads if not model["learned"]]
    evidence = "; ".join(f"{_name(head)}: {_accuracy(head)}" for head in heads)
    if dead:
        names = " and ".join(_name(head) for head in dead)
        return Finding(
            claim=f"Do not use {names}: always answering the most frequent class does as well.",
            evidence=evidence,
        )
    lost = sum(model["attempts"] - 1 for model in models)
    claim = "The base model's features carry over: every transferred head learned its classes"
    if lost:
        were = "s that never learned were" if lost > 1 else " that never learned was"
        claim += f", after {lost} initialisation{were} thrown away"
    claim += "."
    return Finding(claim=claim, evidence=evidence)


def judge_heads(heads: HeadsRow) -> Finding:
    """Whether one of the two heads is better."""
    first, second = heads["only_first"], heads["only_second"]
    evidence = (
        f"With the recipe {heads['recipe']} both agree on {percent(heads['agreement'])} of "
        f"{heads['n']:,} test images; only two nodes are right on {first}, only one on {second} "
        f"(exact McNemar test, p = {heads['p_value']:.2g})"
    )
    if heads["p_value"] >= SIGNIFICANT:
        return Finding(
            claim="Two output nodes or one: they cannot be distinguished.", evidence=evidence
        )
    better = "two output nodes are" if first > second else "one output node is"
    return Finding(claim=f"For these classes {better} better.", evidence=evidence)


def judge_benefit(label_efficiency: LabelEfficiencyRow) -> Finding:
    """Whether the frozen backbone beats what does without transfer.

    With few labels that is to be better in every draw, which happens once in 32 by chance for
    five draws; with all labels, McNemar's test decides.
    """
    frozen, *others = label_efficiency["approaches"]
    rivals = [other for other in others if other["approach"] in ("scratch", "linear")]
    few = _beaten_at(frozen, rivals)
    best = min(rivals, key=lambda rival: (rival["errors"], rival["approach"]))
    told = ", ".join(
        f"{one['approach']} {one['errors']} (p = {one['against_frozen']['p_value']:.2g})"
        for one in others
    )
    full = f"Errors of {label_efficiency['n']:,} with all labels: frozen {frozen['errors']}, {told}"
    significant = best["against_frozen"]["p_value"] < SIGNIFICANT
    if not significant:
        with_all = f"with all of them it cannot be distinguished from {_phrase(best)}"
    elif frozen["errors"] < best["errors"]:
        with_all = f"with all of them it still beats {_phrase(best)}"
    else:
        with_all = f"with all of them {_phrase(best)} is better"
    if not few:
        return Finding(
            claim=f"Transfer was not seen to help with few labels; {with_all}.", evidence=full
        )
    images, rival = few[0]["images"], max(few[1:], key=lambda point: point["mean"])
    small = (
        f"With {images:,} labelled images, frozen {percent(few[0]['mean'])} on average and best "
        f"without transfer {percent(rival['mean'])}, worse in each of "
        f"{label_efficiency['draws']} draws"
    )
    return Finding(
        claim=f"Transfer helps where labels are few, up to {images:,} images; {with_all}.",
        evidence=f"{small}. {full}",
    )


def judge_unknown_classes(unknown_classes: Sequence[UnknownRow]) -> Finding:
    """What happens to images of no known class."""
    worst = max(unknown_classes, key=lambda head: head["confident"])
    evidence = "; ".join(
        f"{_name(head)}: {percent(head['confident'], 1)} of {head['unknown']:,} called with "
        f"at least 95 % probability; refusing below {head['threshold']:.6f} refuses "
        f"{percent(head['refused'], 1)} of them and {percent(1 - head['accepted'], 1)} of the known"
        for head in unknown_classes
    )
    if worst["confident"] < SIGNIFICANT:
        claim = "Images of other classes are rarely called with confidence."
    else:
        claim = (
            "Images of other classes are often called with confidence: "
            "do not show them to these models without a threshold."
        )
    return Finding(claim=claim, evidence=evidence)


def _beaten_at(frozen: ApproachRow, rivals: Sequence[ApproachRow]) -> list[PointRow]:
    """The points with the most labels, short of all, at which the frozen backbone beats all rivals.

    With all labels the draws are one and the same, so they are no evidence.
    """
    sizes = zip(*(approach["points"][:-1] for approach in (frozen, *rivals)), strict=True)
    beaten = [points for points in sizes if all(_is_better(points[0], p) for p in points[1:])]
    return list(beaten[-1]) if beaten else []


def _is_better(point: PointRow, rival: PointRow) -> bool:
    draws = zip(point["accuracies"], rival["accuracies"], strict=True)
    return all(ours > theirs for ours, theirs in draws)


def _phrase(approach: ApproachRow) -> str:
    return {
        "scratch": "the same network trained from scratch",
        "linear": "a linear model on pixels",
    }[approach["approach"]]


def _name(model: ModelRow | UnknownRow) -> str:
    return f"{model['recipe']} {model['model']}"


def _accuracy(model: ModelRow) -> str:
    return (
        f"{model['errors']} of {model['n']:,} wrong, accuracy {percent(model['low'])} to "
        f"{percent(model['high'])} with 95 % confidence"
    )
