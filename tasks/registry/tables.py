"""A decision's numbers as a table, for the registry and for a terminal."""

from collections.abc import Sequence

from tasks.registry.decision import Criterion, Decision

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
