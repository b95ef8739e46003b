"""The registry in words: decisions as tables, and which model is in use, and why."""

from collections.abc import Sequence
from datetime import datetime

from tasks.registry.decision import Criterion, Decision
from tasks.registry.registry import Registry
from tasks.registry.version import Event, Version

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


METRICS = ("accuracy", "errors", "images")


def describe(registry: Registry) -> str:
    """Champion and challenger side by side, and how it came to that, as plain text."""
    champion, challenger = registry.champion(), registry.challenger()
    versions = {"champion": champion, "challenger": challenger}
    found = {role: version for role, version in versions.items() if version}
    if not found:
        return f"There is no model in the registry of {registry.name} yet."
    parts = [_facts(registry.name, found)]
    if champion is None:
        parts.append(f"There is no champion of {registry.name} yet.")
    elif champion.appointment:
        parts.append(f"Champion: {_told(champion.appointment)}")
    if challenger:
        parts.append(f"Challenger: {_verdict(challenger)}")
        if challenger.decision:
            parts.append(plain(challenger.decision))
    return "\n\n".join(parts)


def _facts(name: str, versions: dict[str, Version]) -> str:
    columns = [[name, "version", "registered", "model", *METRICS]]
    columns += [[role, *_values(version)] for role, version in versions.items()]
    return aligned(list(zip(*columns, strict=True)))


def _values(version: Version) -> list[str]:
    numbers = (version.metrics.get(metric) for metric in METRICS)
    return [
        str(version.number),
        _minute(version.created),
        version.sha256[:16],
        *("" if number is None else f"{number:.5g}" for number in numbers),
    ]


def _verdict(challenger: Version) -> str:
    if challenger.decision is None:
        return "Not judged yet; the next run judges it, or another in its place."
    rolled_back = f" {_told(challenger.withdrawal)}" if challenger.withdrawal else ""
    against = f" (against version {challenger.opponent})" if challenger.opponent else ""
    return f"{challenger.decision.reason}{against}{rolled_back}"


def _told(event: Event) -> str:
    return f"{event.why} ({_minute(event.when)}, {event.who})"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
