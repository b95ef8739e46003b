"""Whether a challenger takes the champion's place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tasks.schemas.images import ClassName
from tasks.schemas.references import Record
from tasks.statistics.estimates import calibration_error
from tasks.statistics.noninferiority import SIGNIFICANCE, images_needed, noninferiority_p_value
from tasks.statistics.paired import compare_paired

ROUNDING = 1e-9


class Bounds(BaseModel):
    """How much worse than the champion a challenger may be, and in what."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    margin: float = Field(0.005, gt=0, lt=1)
    """The loss of accuracy, above 0 and below 1, that a challenger is shown not to have."""

    class_margin: float = Field(0.02, ge=0, lt=1)
    """The share of any one class's images that a challenger may lose, 0..1."""

    calibration: float = Field(0.01, ge=0, lt=1)
    """By how much the expected calibration error (0..1) may grow."""


@dataclass(frozen=True)
class Judged:
    """What a model does with the held-out images, the same n in the same order for both models."""

    healthy: bool  # predicts every class, and clearly beats the largest one
    hits: NDArray[np.bool_]  # (n,)
    labels: NDArray[Any]  # the true classes, as they are called, (n,)
    confidences: NDArray[np.floating]  # the top probabilities, 0..1, (n,)

    @property
    def errors(self) -> int:
        """How many of them were called wrong."""
        return int((~self.hits).sum())


class Criterion(Record):
    """A row of the decision: both models' numbers, the bound for the challenger's, the outcome."""

    name: str
    champion: float | None
    challenger: float
    bound: float
    objection: str  # why it did not pass; empty if it did

    @property
    def passed(self) -> bool:
        """Whether the challenger keeps within the bound."""
        return not self.objection


class Decision(Record):
    """Whether the challenger is promoted, why, and by which numbers."""

    promoted: bool
    reason: str
    rows: tuple[Criterion, ...]


def decide(champion: Judged | None, challenger: Judged, bounds: Bounds) -> Decision:
    """Promote a challenger that makes fewer errors and is within every bound; ties do not.

    Where there is no champion yet, a healthy challenger becomes it. Raises ValueError if there is
    no image, or the two were not judged on the same ones.
    """
    images = len(challenger.hits)
    if not images:
        raise ValueError("a challenger is judged on one held-out image or more")
    merit = "there was no champion yet"
    if champion is not None:
        if not np.array_equal(champion.labels, challenger.labels):
            raise ValueError("champion and challenger are judged on the same held-out images")
        merit = (
            f"errors fell from {champion.errors} to {challenger.errors} of {images:,} "
            "held-out images, and nothing else is out of bounds"
        )
    rows = tuple(_criteria(champion, challenger, bounds))
    objections = [row.objection for row in rows if not row.passed]
    reason = f"Not promoted: {'; '.join(objections)}." if objections else f"Promoted: {merit}."
    return Decision(promoted=not objections, reason=reason, rows=rows)


def _criteria(champion: Judged | None, challenger: Judged, bounds: Bounds) -> Iterator[Criterion]:
    before, after = None if champion is None else champion.healthy, challenger.healthy
    yield _row("learned, 1 or 0", before, after, 1, not after, "the challenger did not learn")
    if champion is None:
        return
    yield _fewer_errors(champion, challenger)
    yield _not_inferior(champion, challenger, bounds.margin)
    for label in np.unique(challenger.labels).tolist():
        yield _keeps_class(champion, challenger, label, bounds.class_margin)
    yield _calibrated(champion, challenger, bounds.calibration)


def _row(
    name: str, before: float | None, after: float, bound: float, failed: bool, objection: str
) -> Criterion:
    said = objection if failed else ""
    return Criterion(name=name, champion=before, challenger=after, bound=bound, objection=said)


def _fewer_errors(champion: Judged, challenger: Judged) -> Criterion:
    before, after = champion.errors, challenger.errors
    images = f"{len(champion.hits):,} held-out images"
    objection = f"its errors are {after} of {images}, the champion's {before}"
    if after == before:
        as_many = f"both make as many errors, {before} of {images}"
        objection = f"{as_many}, and a tie goes to the champion"
    return _row("errors, fewer than", before, after, before, after >= before, objection)


def _not_inferior(champion: Judged, challenger: Judged, margin: float) -> Criterion:
    pairs = compare_paired(champion.hits, challenger.hits)
    p_value = noninferiority_p_value(pairs.only_first, pairs.only_second, pairs.n, margin)
    needed = images_needed(margin)
    remedy = f"{needed:,} can" if pairs.n < needed else "more can"
    objection = (
        f"{pairs.n:,} held-out images cannot show that less than {margin:.2%} of accuracy is lost "
        f"({remedy}, or give a larger --margin)"
    )
    name = f"chance of this if {margin:g} accuracy were lost, at most"
    return _row(name, None, p_value, SIGNIFICANCE, p_value > SIGNIFICANCE, objection)


def _keeps_class(
    champion: Judged, challenger: Judged, label: ClassName, margin: float
) -> Criterion:
    of_class = challenger.labels == label
    before, after = (float(model.hits[of_class].mean()) for model in (champion, challenger))
    is_lost = after < before - margin - ROUNDING or after == 0 < before
    objection = f"it finds {after:.1%} of class {label}, the champion {before:.1%}"
    bound = max(before - margin, 0)
    return _row(f"recall of {label}, at least", before, after, bound, is_lost, objection)


def _calibrated(champion: Judged, challenger: Judged, margin: float) -> Criterion:
    before = calibration_error(champion.confidences, champion.hits)
    after = calibration_error(challenger.confidences, challenger.hits)
    bound = before + margin
    objection = f"its calibration error is {after:.4f}, the champion's {before:.4f}"
    grew = after > bound + ROUNDING
    return _row("calibration error, at most", before, after, bound, grew, objection)


HEADER = ("criterion", "champion", "challenger", "bound", "passed")


def markdown(decision: Decision) -> str:
    """The reason, and a table of all criteria, in Markdown."""
    rows = [HEADER, ("---", "---:", "---:", "---:", "---"), *map(_cells, decision.rows)]
    return "\n".join([decision.reason, "", *(f"| {' | '.join(row)} |" for row in rows)])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of equally many cells as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def plain(decision: Decision) -> str:
    """The table of all criteria, as aligned text."""
    return aligned([HEADER, *map(_cells, decision.rows)])


def _cells(row: Criterion) -> tuple[str, ...]:
    numbers = ("" if x is None else f"{x:.5g}" for x in (row.champion, row.challenger, row.bound))
    return (row.name, *numbers, "yes" if row.passed else "no")
