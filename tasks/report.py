"""Report: what the run found, as files and in the Prefect UI."""

import json
from pathlib import Path

from pydantic import BaseModel

from tasks.data.source import Source
from tasks.reporting.experiment.benefit import judge_benefit
from tasks.reporting.folder import describe_run, publish
from tasks.reporting.page import Finding, Row, phrase, render_report, say
from tasks.schemas.references import Dataset, FileReference
from tasks.schemas.results import OTHER_CLASSES, Findings
from tasks.storage.stages import current_store, uncached_stage
from tasks.storage.store import reading


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


@uncached_stage("report")
def report(
    config: BaseModel,
    command: str,
    source: Source,
    images: Dataset,
    subset: Dataset,
    findings: Findings,
) -> Path:
    """Write the report of this run, show it in the UI, and return its folder; never cached."""
    analysis = json.loads(_read(findings.analysis))
    analysis = {"verdict": reach_verdict(analysis)} | analysis
    metrics = describe_run(config, command, source, images, analysis)
    for name, split in subset:
        metrics["dataset"][f"{name}_subset"] = split.inputs.shape[0]
    pictures = {picture.name: _read(picture.file) for picture in findings.pictures}
    files = render_report("experiment", metrics, pictures)
    files["comparison.csv"] = _read(findings.table)
    return publish(current_store(), files, metrics, "report")


def _read(file: FileReference) -> str:
    with reading(path := current_store().verified(file)):
        return path.read_text(encoding="utf-8")
