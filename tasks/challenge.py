"""Challenge: a new model against the one in use, on the same held-out images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.data.splits import rows_by_part
from tasks.networks.export import PortableModel
from tasks.networks.health import diagnose
from tasks.registry.decision import Bounds, Decision, Judged, decide
from tasks.registry.portable import find_flaw
from tasks.registry.registry import Registry
from tasks.registry.version import Candidate, Version
from tasks.reporting.folder import FOLDER, show, tell
from tasks.reporting.page import fill
from tasks.schemas.images import ClassName, LabelledImages
from tasks.schemas.references import Integers, Pixels, Split
from tasks.statistics.estimates import chance_of_hits
from tasks.storage.stages import current_store, get_run_logger, uncached_stage

LEAST = 1e-7  # of a probability in a log loss


@uncached_stage("challenge")
def challenge(
    registry: Registry,
    candidate: Candidate,
    held_out: Split,
    data: LabelledImages,
    positions: tuple[int, ...],
    bounds: Bounds,
) -> str:
    """Register a candidate, judge it, promote it if it won; returns the decision in a sentence.

    Neither it nor the champion has seen the held-out images (n, height, width, channels), whose
    labels are one-hot: the test images of the data whose classes have these positions among all.
    """
    store = current_store()
    images, labels = store.array(held_out.inputs), store.array(held_out.labels).argmax(axis=1)
    rows = np.flatnonzero(np.isin(store.array(data.images.test.labels), positions))
    parts = rows_by_part(data.parts, rows)
    opponents, version = registry.opponents(), registry.register(candidate)
    look = registry.looks() + 1 if opponents else version.number
    *others, judged = (
        judge(registry.model_path(one), images, labels, candidate.classes)
        for one in (*opponents, version)
    )
    decision = decide(others, judged, parts, bounds, look)
    name = f"models:/{registry.name}/{version.number}"
    if decision.promoted and (flaw := find_flaw(registry.address, name, images, judged)):
        told = {"promoted": False, "reason": f"Not promoted: {flaw}."}
        decision = decision.model_copy(update=told)
    champion = opponents[0] if opponents else None
    registry.record(version, decision, champion, describe_decision(decision))
    _show(version, champion, decision, candidate.report)
    message = f"version {version.number}: {decision.reason}"
    what = "promoted" if decision.promoted else "refused"
    tell(f"champion.{what}", registry.name, message, version.run_id)
    if decision.promoted:
        registry.promote(version)
    return message


def describe_decision(decision: Decision) -> str:
    """The reason, and a table of all criteria, in Markdown."""
    return fill("decision.md.jinja", {"decision": decision}, {}).strip()


def judge(model: Path, images: Pixels, labels: Integers, classes: Sequence[ClassName]) -> Judged:
    """What a verified ONNX file does with images (n, h, w, channels) of labels (n,), 0..k-1."""
    from sklearn.metrics import confusion_matrix

    probabilities, refused = PortableModel(model).answer(images)
    predicted = probabilities.argmax(axis=1)
    counts = confusion_matrix(labels, predicted, labels=range(len(classes)))
    return Judged(
        healthy=not diagnose(predicted, labels, len(classes)),
        hits=predicted == labels,
        labels=np.asarray(classes)[labels],
        log_losses=-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], LEAST)),
        refused=refused,
        chance=chance_of_hits(counts),
    )


def _show(version: Version, champion: Version | None, decision: Decision, report: Path) -> None:
    against = f"version {champion.number}" if champion else "nobody"
    get_run_logger().info("version %d against %s: %s", version.number, against, decision.reason)
    title = f"Version {version.number} against {against}"
    text = f"## {title}\n\n{describe_decision(decision)}"
    show("decision", text, "Whether it is put into use, and why.")
    told = {"title": title, "decision": decision}
    page = f"{FOLDER}/{report.name}/decision.html"
    current_store().write(page, fill("decision.html.jinja", told, {}).encode())
