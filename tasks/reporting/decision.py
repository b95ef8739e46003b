"""The decision on a challenger, and who is champion, the last challenger, and why."""

from tasks.registry.decision import Decision
from tasks.registry.registry import Registry
from tasks.reporting.page import fill


def describe_decision(decision: Decision) -> str:
    """The reason, and a table of all criteria, in Markdown."""
    return fill("decision.md.jinja", {"decision": decision}, {}).strip()


def describe_registry(registry: Registry) -> str:
    """Champion and challenger side by side, and how it came to that, as plain text."""
    versions = {"champion": registry.champion(), "challenger": registry.challenger()}
    about = {"name": registry.name, "looks": registry.looks()}
    return fill("status.txt.jinja", versions | about, {}).strip()
