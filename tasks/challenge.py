"""Challenge: a new model against the one in use, on the same held-out images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from prefect.artifacts import create_markdown_artifact
from prefect.logging import get_run_logger

from tasks.networks.health import diagnose
from tasks.networks.inference import class_probabilities, run
from tasks.networks.models import read_model
from tasks.registry.decision import Bounds, Decision, Judged, decide, markdown
from tasks.registry.registry import Registry
from tasks.registry.version import Candidate, Version
from tasks.schemas.images import ClassName
from tasks.schemas.references import Split
from tasks.storage.records import current_store
from tasks.storage.stages import uncached_stage


@uncached_stage("challenge")
def challenge(registry: Registry, candidate: Candidate, held_out: Split, bounds: Bounds) -> str:
    """Register a candidate, judge it against the champion, and promote it if it won.

    Neither has seen the held-out images (n, height, width, channels), whose labels are one-hot.
    Returns the decision in a sentence.
    """
    store = current_store()
    champion = registry.champion()
    paths = [registry.model_path(champion)] if champion else []
    images = store.array(held_out.inputs)
    labels = store.array(held_out.labels).argmax(axis=1)
    version = registry.register(candidate)
    judged = judge([*paths, registry.model_path(version)], images, labels, candidate.classes)
    decision = decide(judged[0] if champion else None, judged[-1], bounds)
    registry.record(version, decision)
    _show(version, champion, decision)
    if decision.promoted:
        registry.promote(version)
    return f"version {version.number}: {decision.reason}"


def judge(
    models: list[Path],
    images: NDArray[np.uint8],
    labels: NDArray[np.intp],
    classes: Sequence[ClassName],
) -> list[Judged]:
    """What each model, a verified `.keras` file, does with the same images.

    Those are (n, height, width, channels), with labels 0..k-1, (n,), which are called `classes`.
    """
    judged = []
    for path in models:
        probabilities = class_probabilities(run(read_model(path), images))
        predicted, tops = probabilities.argmax(axis=1), probabilities.max(axis=1)
        healthy = not diagnose(predicted, labels, len(classes))
        judged.append(Judged(healthy, predicted == labels, np.asarray(classes)[labels], tops))
    return judged


def _show(version: Version, champion: Version | None, decision: Decision) -> None:
    """The decision, in the log and on the run's page in the UI."""
    against = f"version {champion.number}" if champion else "nobody"
    get_run_logger().info("version %d against %s: %s", version.number, against, decision.reason)
    create_markdown_artifact(
        f"## Version {version.number} against {against}\n\n{markdown(decision)}",
        key="decision",
        description="Whether the new model is put into use, and why.",
    )
