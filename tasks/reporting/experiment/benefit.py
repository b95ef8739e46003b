"""Whether transfer helps: the label efficiency of each approach, and what may be claimed of it.

Of the transfers, `frozen` and `fine-tuned`, each may be claimed to beat `scratch` and `linear` up
to some number of labels, or from one on, and the base alone with all; each other approach, to beat
both transfers: `base alone` up to some number, the others from one on. Numbers are tested in that
order until one fails, which costs no correction; any claim is false with a chance of at most 5 %.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Literal, NamedTuple, TypeAlias

from tasks.reporting.page import Finding, Row, say
from tasks.schemas.references import Mask
from tasks.schemas.results import LabelEfficiency
from tasks.statistics.paired import difference

TRANSFERS, RIVALS, BASE = ("frozen", "fine-tuned"), ("scratch", "linear"), "base alone"
# Of each of the nine sequences of claims; 3.6 % in all leaves room for accuracies that are skewed
# over draws, which `benchmarks/claims.py` simulates.
TAIL = 0.004
# An accuracy (0..1), or a difference of two (-1..1), at each number of labelled images: its `mean`,
# and the `low` and `high` of draws, or of its interval.
Points: TypeAlias = Sequence[dict[str, float]]
# By how much each transfer is ahead of another approach.
Behind: TypeAlias = Mapping[str, Mapping[str, Points]]


def describe_label_efficiency(
    recipe: str, approaches: Sequence[LabelEfficiency], hits: Sequence[Mask]
) -> Row:
    """Every approach's accuracies by labelled images, and how far both transfers are ahead of it.

    `hits`, bool (k, draws, n) for each approach, are the test images that it got right.
    """
    found = {one.approach: hit for one, hit in zip(approaches, hits, strict=True)}
    _, draws, n = hits[0].shape
    return {
        "recipe": recipe,
        "draws": draws,
        "n": n,
        "images": list(approaches[0].images),
        "approaches": [
            {
                "approach": name,
                "points": [
                    {"mean": float(one.mean()), "low": float(one.min()), "high": float(one.max())}
                    for one in hit.mean(axis=2)
                ],
                "behind": {
                    ours: [
                        difference(*pair, TAIL)._asdict()
                        for pair in zip(found[ours], hit, strict=True)
                    ]
                    for ours in (() if name in TRANSFERS else TRANSFERS)
                },
            }
            for name, hit in found.items()
        ],
    }


class Claims(NamedTuple):
    """What may be claimed, by approach, of how many numbers of labelled images."""

    helped: dict[str, int]  # by transfer, of the first ones
    helped_from: dict[str, int]  # by transfer, of the last ones
    harmed: dict[str, int]  # by rival, of the last ones
    best_alone: int  # of the base, of the first ones
    beyond_base: dict[str, int]  # by transfer, of the last one, if any


def find_claims(behind: Behind) -> Claims:
    """All that may be claimed; see the module."""
    of_base = behind.get(BASE, dict.fromkeys(TRANSFERS, ()))
    ahead = {ours: [behind[one][ours] for one in RIVALS] for ours in TRANSFERS}
    return Claims(
        {ours: _count("low", some) for ours, some in ahead.items()},
        {ours: _count("low", [one[::-1] for one in some]) for ours, some in ahead.items()},
        {one: _count("high", [points[::-1] for points in behind[one].values()]) for one in RIVALS},
        _count("high", of_base.values()),
        {ours: _count("low", [points[-1:]]) for ours, points in of_base.items()},
    )


def _count(end: Literal["low", "high"], differences: Iterable[Points]) -> int:
    """At how many points, from the first on, all have their low end above 0, or the high below."""
    sign = 1 if end == "low" else -1
    points = zip(*differences, strict=True)
    return sum(1 for _ in takewhile(lambda some: all(sign * one[end] > 0 for one in some), points))


def judge_benefit(found: Row, base: str) -> Finding:
    """Whether transfer helps or harms, and by how much; `base` says in words what it had seen."""
    rows = {row["approach"]: row for row in found["approaches"]}
    behind = {name: row["behind"] for name, row in rows.items() if name not in TRANSFERS}
    claims = find_claims(behind)
    means = {one: rows[one]["points"][-1]["mean"] for one in TRANSFERS}
    ours = max(TRANSFERS, key=lambda one: (claims.helped[one], claims.helped_from[one], means[one]))
    last = claims.helped[ours] - 1
    rival = min(RIVALS, key=lambda other: behind[other][ours][last]["mean"])
    ahead = [one for one, holds in claims.beyond_base.items() if holds]
    beyond = max(ahead, key=lambda one: behind[BASE][one][-1]["mean"], default=None)
    return say("experiment", "benefit", found, behind, claims, ours, rival, beyond, base, TAIL)
