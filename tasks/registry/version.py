"""What the registry holds about a model."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, Json

from tasks.registry.decision import Decision
from tasks.schemas.events import Event
from tasks.schemas.images import ClassName, Preparation
from tasks.schemas.references import Pixels

HELD_OUT = "split_seed={split_seed} test_share={test_share}"  # what decides which images these are


class Appointment(Event):
    """That a version became champion; `predecessors` are the champions before it, oldest first."""

    predecessors: tuple[int, ...]


@dataclass(frozen=True)
class Candidate:
    """What is to be registered."""

    model: Path  # an ONNX file
    sha256: str  # its digest in hex
    classes: tuple[ClassName, ...]  # what the outputs are called
    network: Path  # the same as a `.keras` file, to train with
    network_sha256: str
    preparation: Preparation  # of the pictures that it was trained on
    params: Mapping[str, object]  # at most 100 settings of the training
    metrics: Mapping[str, float]  # on held-out images; accuracy, errors and images are shown
    lineage: Mapping[str, Any]  # what it was made of, as JSON: data digests, config, source digest
    report: Path  # a folder that is stored, too
    card: str  # what is known of it, for people
    sample: Pixels  # held-out images (n, height, width, channels), to ask it for


class Version(BaseModel):
    """A registered model, as the registry's tags, all of them text, have it; see `Candidate`."""

    model_config = ConfigDict(frozen=True)

    number: int  # of those of its name, from 1
    run_id: str = Field(pattern=r"^\w+$")  # of MLflow's run, the folder of its files
    sha256: str
    classes: Json[tuple[ClassName, ...]]
    network_sha256: str
    preparation: Json[Preparation]
    held_out: str = ""  # `HELD_OUT` of its params; empty where not known
    lineage: str  # a digest in hex
    metrics: Mapping[str, float]
    created: datetime  # UTC
    decision: Json[Decision] | None = None  # None until it was judged
    opponent: int | None = None  # the champion that it was judged against, if there was one
    appointment: Json[Appointment] | None = None  # when it last became champion
    withdrawal: Json[Event] | None = None  # when it was rolled back

    @property
    def predecessors(self) -> tuple[int, ...]:
        """The champions before it, oldest first."""
        return self.appointment.predecessors if self.appointment else ()


def lineage_digest(lineage: Mapping[str, Any]) -> str:
    """Hex SHA-256 of a lineage, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(lineage, sort_keys=True).encode()).hexdigest()
