"""`metrics.json`: every number of a run, what it was computed from, and what it ran on."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version

from pydantic import BaseModel

from tasks.data.mnist import dataset_sha256, is_mnist
from tasks.data.source import Source
from tasks.networks.hardware import processor, processor_features
from tasks.reporting.page import Metrics
from tasks.schemas.references import Dataset
from tasks.storage.stages import finished_task_runs

LIBRARIES = ("keras", "tensorflow", "numpy", "scikit-learn", "prefect", "digit-transfer")


def describe_environment() -> dict[str, object]:
    """Versions and hardware, on which the same numbers depend; imports none of the libraries."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": processor(),
        "cpu_features": processor_features(),
        "threads": os.cpu_count(),
    }


def describe_run(
    config: BaseModel, command: str, source: Source, images: Dataset, analysis: Mapping[str, object]
) -> Metrics:
    """What a run found, and what it was computed from, whatever it trained, in JSON types."""
    return {
        **analysis,
        "dataset": {
            "name": "MNIST" if is_mnist(images) else source.name,
            "source": source.location,
            "sha256": dataset_sha256(images),
            "notice": source.notice,
            "train": images.train.inputs.shape[0],
            "test": images.test.inputs.shape[0],
        },
        "config": config.model_dump(mode="json"),
        "command": command,
        "environment": describe_environment(),
        "tasks": [one.model_dump() for one in finished_task_runs()],
    }
