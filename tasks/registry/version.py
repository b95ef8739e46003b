"""What the registry holds about a model."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, Json

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
    """What is to be registered; `sha256` is the hex digest of the `.keras` file `model`.

    `classes` are what the outputs are called, `threshold` is the top probability (0..1) below
    which an image is refused, `max_pixel` the largest pixel value of the training images, 255 or
    16. Of the numbers on the held-out images in `metrics`, `accuracy`, `errors` and `images` are
    shown. `lineage` is what the model was made of, as JSON: data digests, config, source digest;
    `params` are at most 100 settings of the training, `report` is a folder that is stored too.
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


class Version(BaseModel):
    """A registered model, as the registry's tags, all of them text, have it; see `Candidate`.

    It is the `number`th of its name, from 1, and its params, metrics and files are of MLflow's run
    `run_id`. `lineage` is a digest in hex. `decision` is None until it was judged, against the
    champion `opponent` if there was one; `appointment` says when it last became champion, if it
    did, and `withdrawal` when it was rolled back, if it was. Times are UTC.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    run_id: str
    sha256: str
    classes: Annotated[tuple[int, ...], BeforeValidator(lambda text: text.split(","))]
    threshold: float
    max_pixel: int = Field(validation_alias=AliasChoices("max_pixel", "ink"))  # as 0.1 called it
    lineage: str
    metrics: Mapping[str, float]
    created: datetime
    decision: Json[Decision] | None = None
    opponent: int | None = None
    appointment: Json[Appointment] | None = None
    withdrawal: Json[Event] | None = None

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
