"""What the registry holds about a model."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.registry.decision import Decision
from tasks.schemas.references import Record


class Event(Record):
    """That something happened to a version: when (UTC), by whom, and why."""

    when: datetime
    who: str
    why: str


class Appointment(Event):
    """That a version became champion; `predecessors` are the champions before it, oldest first."""

    predecessors: tuple[int, ...]


@dataclass(frozen=True)
class Candidate:
    """What is to be registered.

    Attributes:
        model: The `.keras` file.
        sha256: Hex digest of that file.
        classes: What the outputs are called.
        threshold: The top probability (0..1) below which an image is refused.
        max_pixel: The largest pixel value of the training images, 255 or 16.
        params: Settings of the training, at most 100.
        metrics: Numbers on the held-out images; `accuracy`, `errors` and `images` are shown.
        lineage: What the model was made of, as JSON: data digests, config, source digest.
        report: A folder that is stored with it, if there is one.
    """

    model: Path
    sha256: str
    classes: tuple[int, ...]
    threshold: float
    max_pixel: int
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    lineage: Mapping[str, Any]
    report: Path | None = None


@dataclass(frozen=True)
class Version:
    """A registered model, as read back from the registry.

    Attributes:
        number: 1, 2, ... within the registered model.
        run_id: MLflow's run with its params, metrics and files.
        sha256: Hex digest of the model file.
        classes: What the outputs are called.
        threshold: The top probability (0..1) below which an image is refused.
        max_pixel: The largest pixel value of the training images, 255 or 16.
        lineage: Hex digest of what the model was made of.
        metrics: Numbers on the held-out images.
        created: When it was registered, UTC.
        decision: Whether it was to be promoted and why; None until it was judged.
        opponent: The champion it was judged against, if there was one.
        appointment: When and why it last became champion, if it did.
        withdrawal: When and why it was rolled back, if it was.
    """

    number: int
    run_id: str
    sha256: str
    classes: tuple[int, ...]
    threshold: float
    max_pixel: int
    lineage: str
    metrics: Mapping[str, float]
    created: datetime
    decision: Decision | None
    opponent: int | None
    appointment: Appointment | None
    withdrawal: Event | None

    @property
    def predecessors(self) -> tuple[int, ...]:
        """The champions before it, oldest first."""
        return self.appointment.predecessors if self.appointment else ()

    @property
    def replaces(self) -> int | None:
        """The champion that it replaced, to which a rollback returns."""
        return self.predecessors[-1] if self.predecessors else None


def lineage_digest(lineage: Mapping[str, Any]) -> str:
    """Hex SHA-256 of a lineage, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(lineage, sort_keys=True).encode()).hexdigest()
