"""Who is champion, who was the last challenger, and why."""

from collections.abc import Sequence
from datetime import datetime

from tasks.registry.decision import table
from tasks.registry.registry import Registry
from tasks.registry.version import Version
from tasks.schemas.events import Event

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
            parts.append(_aligned(table(challenger.decision)))
    parts.append(f"Challengers judged against a champion: {registry.looks()}")
    return "\n\n".join(parts)


def _facts(name: str, versions: dict[str, Version]) -> str:
    columns = [[name, "version", "registered", "model", *METRICS]]
    for role, version in versions.items():
        found = version.metrics
        shown = (f"{found[metric]:.5g}" if metric in found else "" for metric in METRICS)
        facts = (str(version.number), _minute(version.created), version.sha256[:16])
        columns.append([role, *facts, *shown])
    return _aligned(list(zip(*columns, strict=True)))


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


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
