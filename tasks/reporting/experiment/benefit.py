"""Whether transfer helps: the label efficiency of each approach, and what may be claimed of it.

Of the transfers, `frozen` and `fine-tuned`, each may be claimed to beat `scratch` and `linear` up
to some number of labels, and the base alone with all of them; each of the other approaches, to
beat both transfers: `base alone` up to some number, the others from some number on. A claim holds
at every number that it names: they are tested in that order, and none after the first that fails,
which costs no correction. The chance of any false claim is at most 5 %, shared by all of these.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from tasks.reporting.experiment import records
from tasks.reporting.page import Finding, percent
from tasks.schemas.results import LabelEfficiency
from tasks.statistics.paired import difference

TRANSFERS, RIVALS, BASE = ("frozen", "fine-tuned"), ("scratch", "linear"), "base alone"
# Of each of the seven sequences of claims; 3.5 % in all leaves room for accuracies that are skewed
# over draws, which `benchmarks/claims.py` simulates.
TAIL = 0.005
NAMES = {
    "frozen": "a head on the frozen backbone",
    "fine-tuned": "the fine-tuned network",
    "scratch": "the same network trained from scratch",
    "linear": "a linear model on pixels",
    BASE: "the base alone",
}
# By how much each transfer is ahead of another approach, at each number of labelled images.
Points: TypeAlias = Sequence[records.PointRow]
Behind: TypeAlias = Mapping[str, Mapping[str, Points]]


def describe_label_efficiency(
    recipe: str, approaches: Sequence[LabelEfficiency], hits: Sequence[NDArray[np.bool_]]
) -> records.LabelEfficiencyRow:
    """Every approach's accuracies by labelled images, and how far both transfers are ahead of it.

    `hits`, bool (k, draws, n) for each approach, are the test images that it got right.
    """
    found = {one.approach: hit for one, hit in zip(approaches, hits, strict=True)}
    transfers = {name: found[name] for name in TRANSFERS}
    _, draws, n = hits[0].shape
    return {
        "recipe": recipe,
        "draws": draws,
        "n": n,
        "images": list(approaches[0].images),
        "approaches": [
            {
                "approach": name,
                "points": [_describe_draws(one) for one in hit.mean(axis=2)],
                "behind": {} if name in transfers else _compare(transfers, hit),
            }
            for name, hit in found.items()
        ],
    }


def _describe_draws(accuracies: NDArray[np.float64]) -> records.PointRow:
    mean, low, high = accuracies.mean(), accuracies.min(), accuracies.max()
    return {"mean": float(mean), "low": float(low), "high": float(high)}


def _compare(
    transfers: Mapping[str, NDArray[np.bool_]], other: NDArray[np.bool_]
) -> dict[str, list[records.PointRow]]:
    return {
        name: [
            cast(records.PointRow, difference(*pair, TAIL)._asdict())
            for pair in zip(ours, other, strict=True)
        ]
        for name, ours in transfers.items()
    }


class Claims(NamedTuple):
    """What may be claimed, by approach, of how many numbers of labelled images.

    Those are the first ones in `helped` and `best_alone`, which is of the base, the last ones in
    `harmed`, and the last one, if any, in `beyond_base`.
    """

    helped: dict[str, int]  # by transfer
    harmed: dict[str, int]  # by rival
    best_alone: int
    beyond_base: dict[str, int]  # by transfer


def find_claims(behind: Behind) -> Claims:
    """All that may be claimed; see the module."""
    of_base = behind.get(BASE, dict.fromkeys(TRANSFERS, ()))
    return Claims(
        {ours: _count(_leads([behind[one][ours] for one in RIVALS])) for ours in TRANSFERS},
        {other: _count(reversed(_trails(behind[other]))) for other in RIVALS},
        _count(_trails(of_base)),
        {ours: _count(_leads([points[-1:]])) for ours, points in of_base.items()},
    )


def _count(holds: Iterable[bool]) -> int:
    return sum(1 for _ in takewhile(bool, holds))


def _leads(others: Iterable[Points]) -> list[bool]:
    return [all(point["low"] > 0 for point in points) for points in zip(*others, strict=True)]


def _trails(transfers: Mapping[str, Points]) -> list[bool]:
    pairs = zip(*transfers.values(), strict=True)
    return [all(point["high"] < 0 for point in points) for points in pairs]


def judge_benefit(found: records.LabelEfficiencyRow, base: str) -> Finding:
    """Whether transfer helps or harms, up to how many labels and by how much; see the module.

    What the base had seen is given in words.
    """
    images, rows = found["images"], {row["approach"]: row for row in found["approaches"]}
    behind = {name: row["behind"] for name, row in rows.items() if name not in TRANSFERS}
    claims = find_claims(behind)
    best = max(TRANSFERS, key=lambda ours: (claims.helped[ours], rows[ours]["points"][-1]["mean"]))
    harms = [_say_harmed(behind[one], one, n, images) for one, n in claims.harmed.items() if n]
    n = claims.helped[best]
    helps = _say_helped(behind, best, n, images) if n else "transfer was not shown to help"
    verdict = "; ".join([helps, *harms]) if n or harms else f"{helps}, nor to harm"
    of_base = _say_base(behind[BASE], claims, images) if BASE in behind else ""
    claim = f"With {base}, {verdict}.{of_base}"
    return Finding(claim=claim, evidence=_evidence(found, behind, best, n - 1))


def _say_helped(behind: Behind, ours: str, n: int, images: Sequence[int]) -> str:
    rival = min(RIVALS, key=lambda other: behind[other][ours][n - 1]["mean"])
    lead = _points(behind[rival][ours][n - 1]["mean"])
    where = "with all of them" if n == len(images) else "there"
    return (
        f"transfer helps {_up_to(n, images)}: {where} {NAMES[ours]} is {lead} more accurate than "
        f"{NAMES[rival]}"
    )


def _say_harmed(transfers: Mapping[str, Points], other: str, n: int, images: Sequence[int]) -> str:
    lead = _points(min(-points[-1]["mean"] for points in transfers.values()))
    where = f"from {images[-n]:,} labelled images on, with all of them by {lead}"
    if n == 1:
        where = f"with all labels, by {lead}"
    if n == len(images):
        where = f"at every number of labels, with all of them by {lead}"
    return f"{NAMES[other]} is more accurate {where}"


def _say_base(transfers: Mapping[str, Points], claims: Claims, images: Sequence[int]) -> str:
    """What the base can do by itself, in a sentence after a space."""
    n, beyond = claims.best_alone, [one for one, holds in claims.beyond_base.items() if holds]
    alone, then = " The base alone, which needs no labels,", ""
    if beyond:
        ours = max(beyond, key=lambda one: transfers[one][-1]["mean"])
        then = f"with all labels {NAMES[ours]} is {_points(transfers[ours][-1]['mean'])} ahead"
    if n == len(images):
        return f"{alone} is more accurate at every number of labels."
    if n:
        after = then or "with all labels no difference was shown"
        return f"{alone} is more accurate {_up_to(n, images)}; {after}."
    if then:
        return f"{alone} is behind: {then}."
    return f"{alone} was not shown to be less accurate than transfer with all labels."


def _up_to(n: int, images: Sequence[int]) -> str:
    if n == len(images):
        return "at every number of labels"
    return f"{'up to' if n > 1 else 'with'} {images[n - 1]:,} labelled images"


def _points(share: float) -> str:
    return f"{100 * share:.2f} points"


def _evidence(found: records.LabelEfficiencyRow, behind: Behind, ours: str, at: int) -> str:
    ordered = sorted(found["approaches"], key=lambda row: -row["points"][at]["mean"])
    means = ", ".join(f"{row['approach']} {percent(row['points'][at]['mean'])}" for row in ordered)
    leads = ", ".join(
        f"{other} {100 * point['mean']:+.2f} points ({100 * point['low']:+.2f} to "
        f"{100 * point['high']:+.2f})"
        for other, point in ((name, rows[ours][at]) for name, rows in behind.items())
    )
    return (
        f"With {found['images'][at]:,} labelled images, on average of {found['draws']} draws: "
        f"{means}; {ours} against {leads}, with {percent(1 - 2 * TAIL, 1)} intervals over draws "
        f"and the {found['n']:,} test images"
    )
