"""Whether a challenger takes the champion's place.

It must be shown to be better. The k-th challenger is tested at 0.05 / (k (k + 1)), which add up to
0.05: of those that are no better any is promoted with a chance of 5 % at most, however many there
are, and though all are judged on the same images (the union bound; Bonferroni 1936). And it must
not be shown to be worse, than the champion or the first one, against which small losses add up.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tasks.schemas.references import Array, Mask, Record
from tasks.statistics.paired import sign_test

LIFETIME = 0.05  # chance that a champion is ever replaced by one that is no better
ROUNDING = 1e-9
SIGNIFICANCE = 0.05
ONE_SIDED = 1.645  # standard errors to an end of an interval that 5 % are beyond
QUESTIONS = 2  # better on all held-out images, or on those that arrived
FIXES = (0.1, 0.2, 0.5)  # shares of the champion's errors


class Bounds(BaseModel):
    """How much worse a challenger may be, and in what, and who wins where nothing is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    margin: float = Field(0.005, gt=0, lt=1)
    """The loss of accuracy, above 0 and below 1, on the published test images or on a batch's
    held-out ones, beyond which a challenger is refused where the loss is shown."""

    class_margin: float = Field(0.02, ge=0, lt=1)
    """The same of any one class's images, 0..1."""

    log_loss_margin: float = Field(0.01, ge=0)
    """By how much, in nats, the log loss may grow, 0 or more."""

    prefer: Literal["champion", "newer"] = "champion"
    """Who wins where neither is shown to be better; a newer model, unless it is shown worse."""


@dataclass(frozen=True)
class Judged:
    """What a model does with the held-out images, the same n in the same order for all models."""

    healthy: bool  # predicts every class, and clearly beats the largest one
    hits: Mask  # (n,)
    labels: Array  # the true classes, as they are called, (n,)
    log_losses: NDArray[np.floating]  # of the true classes' probabilities, in nats, (n,)
    refused: Mask  # (n,)
    chance: float = 0  # of as many hits if it knew nothing

    @property
    def errors(self) -> int:
        """How many of them were called wrong."""
        return int((~self.hits).sum())


# Which held-out images are from where: bool (n,) by name, the published test images first.
Parts: TypeAlias = Mapping[str, Mask]


class Prospect(NamedTuple):
    """Whether a challenger could win, and what it would have to do, in a sentence."""

    can_win: bool
    sentence: str


@dataclass(frozen=True)
class Criterion:
    """A row of the decision: both models' numbers, the bound for the challenger's, the outcome."""

    name: str
    champion: float | None
    challenger: float
    bound: float
    objection: str  # why it did not pass; empty if it did


class Decision(Record):
    """Whether the challenger is promoted, why, and by which numbers."""

    promoted: bool
    reason: str
    rows: tuple[Criterion, ...]


def decide(
    opponents: Sequence[Judged], challenger: Judged, parts: Parts, bounds: Bounds, look: int
) -> Decision:
    """Promote a challenger that is shown to be better, and nowhere shown to be worse.

    The opponents are the champion and, if it is another model, the first champion; without any, a
    challenger becomes it that is healthy and shown to know something. `look` counts challengers, of
    a champion or before one, from 1. ValueError without an image, or if they are not the same.
    """
    images = len(challenger.hits)
    if not images:
        raise ValueError("a challenger is judged on one held-out image or more")
    if any(not np.array_equal(one.labels, challenger.labels) for one in opponents):
        raise ValueError("champion and challenger are judged on the same held-out images")
    merit = "there was no champion yet"
    if opponents:
        merit = (
            f"errors went from {opponents[0].errors} to {challenger.errors} of {images:,} "
            "held-out images, and nothing is shown to be worse"
        )
    rows = tuple(_criteria(opponents, challenger, parts, bounds, look))
    objections = [row.objection for row in rows if row.objection]
    reason = f"Not promoted: {'; '.join(objections)}." if objections else f"Promoted: {merit}."
    return Decision(promoted=not objections, reason=reason, rows=rows)


def level(look: int) -> float:
    """The level at which the k-th look, from 1, is tested; all of them add up to `LIFETIME`."""
    return LIFETIME / (look * (look + 1))


def least_fixes(look: int) -> int:
    """How many errors fewer, with none that is new, show at a look that a challenger is better."""
    return int(np.ceil(-np.log2(level(look) / QUESTIONS)))


def foresee_win(errors: int, images: int, look: int) -> Prospect:
    """Whether a challenger could win over a champion with so many errors of images."""
    from scipy.stats import binom

    needed = least_fixes(look)
    makes = f"the champion makes {errors:,} errors of {images:,} held-out images"
    if errors < needed:
        shown = f"{needed} fewer are needed to show that a challenger is better"
        return Prospect(False, f"{makes}, and {shown}, so that none could win")
    chances = [f"{binom.sf(needed - 1, errors, share):.0%} if {share:.0%}" for share in FIXES]
    return Prospect(
        True,
        f"{makes}; a challenger needs {needed} fewer and no new ones, or more, and if it makes no "
        f"new ones it wins with a chance of {', '.join(chances)} of them are corrected",
    )


def _criteria(
    opponents: Sequence[Judged], challenger: Judged, parts: Parts, bounds: Bounds, look: int
) -> Iterator[Criterion]:
    before, after = opponents[0].healthy if opponents else None, challenger.healthy
    flaw = "" if after else "the challenger did not learn"
    yield Criterion("learned, 1 or 0", before, after, 1, flaw)
    if not opponents:
        name, needed = "chance of as many hits if it knew nothing, at most", level(look)
        may_be = challenger.chance > needed
        flaw = f"its hits on {len(challenger.hits):,} images may be chance" if may_be else ""
        yield Criterion(name, None, challenger.chance, needed, flaw)
        return
    if bounds.prefer == "champion":
        published, *_ = parts.values()
        yield _better(opponents[0], challenger, ~published, look)
    yield from _not_worse(opponents, challenger, parts, bounds)
    yield _keeps_log_loss(opponents, challenger, bounds.log_loss_margin)


def _better(champion: Judged, challenger: Judged, arrived: Mask, look: int) -> Criterion:
    parts = (slice(None), arrived)
    chance = min(sign_test(challenger.hits[part], champion.hits[part]) for part in parts)
    p_value, needed = min(1.0, QUESTIONS * chance), level(look)
    objection = (
        f"it makes {challenger.errors:,} errors of {len(challenger.hits):,} held-out images, the "
        f"champion {champion.errors:,}, which does not show that it is better (p = {p_value:.2g}, "
        f"and {needed:.2g} is needed of challenger {look})"
    )
    name = "chance of this if it were no better, at most"
    return Criterion(name, None, p_value, needed, objection if p_value > needed else "")


def _not_worse(
    opponents: Sequence[Judged], challenger: Judged, parts: Parts, bounds: Bounds
) -> Iterator[Criterion]:
    """Of each part and class: a loss beyond the margin is refused where it is no chance."""
    classes = {label: challenger.labels == label for label in np.unique(challenger.labels).tolist()}
    tests = len(parts) + len(classes) + 1
    asked = [(f"accuracy on {name}", part, bounds.margin) for name, part in parts.items()]
    asked += [(f"recall of {label}", part, bounds.class_margin) for label, part in classes.items()]
    for what, part, margin in asked:
        before = [one.hits[part] for one in opponents]
        yield _keeps(what, before, challenger.hits[part], margin, tests)
    taken = [~one.refused for one in opponents]
    yield _keeps("share that is not refused", taken, ~challenger.refused, bounds.margin, tests)


def _keeps(
    what: str, opponents: Sequence[Mask], challenger: Mask, margin: float, tests: int
) -> Criterion:
    after, before = float(challenger.mean()), [float(hits.mean()) for hits in opponents]
    is_lost = any(
        after < share - margin - ROUNDING and sign_test(hits, challenger) <= SIGNIFICANCE / tests
        for hits, share in zip(opponents, before, strict=True)
    )
    n, most, name = len(challenger), max(before), f"{what}, at least"
    objection = f"its {what} is {after:.1%} of {n:,} images, where {most:.1%} was reached before"
    return Criterion(name, before[0], after, max(most - margin, 0), objection if is_lost else "")


def _keeps_log_loss(opponents: Sequence[Judged], challenger: Judged, margin: float) -> Criterion:
    """The increase is that over the first champion, less what its paired 95 % interval allows."""
    first = opponents[-1]
    growth, n = challenger.log_losses - first.log_losses, len(challenger.hits)
    least = growth.mean() - ONE_SIDED * growth.std() / np.sqrt(n)
    before, after = (float(one.log_losses.mean()) for one in (opponents[0], challenger))
    bound = float(first.log_losses.mean()) + margin
    objection = f"its log loss is {after:.4f}, the first champion's {first.log_losses.mean():.4f}"
    is_lost = least > margin
    return Criterion("log loss, at most", before, after, bound, objection if is_lost else "")
