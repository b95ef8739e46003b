"""The verdict: a few sentences computed from the numbers, each with its evidence."""

from tasks.reporting.experiment.benefit import judge_benefit
from tasks.reporting.page import Finding, Row, phrase, say
from tasks.schemas.results import OTHER_CLASSES


def reach_verdict(found: Row) -> list[Finding]:
    """What a reader should take away; first whether transfer helps, if that was asked."""
    models, heads = found["models"], found["heads"]
    base = phrase("experiment", "base", found["base"])
    last, efficiency = models[-1]["recipe"], found["label_efficiency"]
    by_last = [model for model in models if model["recipe"] == last]
    refused = [row for row in found["refusals"] if row["recipe"] == last]
    findings = (
        judge_benefit(efficiency, base) if efficiency else None,
        say("experiment", "transfers", models, base),
        say("experiment", "recall", by_last),
        say("experiment", "heads", heads[-1]) if heads else None,
        say("experiment", "refusals", refused, OTHER_CLASSES) if refused else None,
    )
    return [one for one in findings if one and one["claim"]]
