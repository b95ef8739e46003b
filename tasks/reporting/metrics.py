"""`metrics.json`: every number of a run, and what it was computed from."""

import hashlib
from collections.abc import Sequence
from typing import Any

from tasks.reporting.comparison import Result, model_row
from tasks.reporting.environment import describe_environment
from tasks.sources.source import Source
from tasks.storage.ledger import Outcome
from tasks.storage.references import Dataset

# dataset_sha256 of the published MNIST, wherever it was read from.
MNIST_SHA256 = "12b1044e0f4ee8bca9c0aac919e02921cd3869d743775636f2e268e2b922c682"


def collect_metrics(
    config: dict[str, Any],
    source: Source,
    digits: Dataset,
    subset: Dataset,
    results: Sequence[Result],
    outcomes: Sequence[Outcome],
) -> dict[str, Any]:
    """The whole run in JSON types; the report is made from this and nothing else."""
    return {
        "dataset": _describe_dataset(source, digits, subset, config["classes"]),
        "config": config,
        "environment": describe_environment(),
        "models": [model_row(result) for result in results],
        "tasks": [outcome.model_dump() for outcome in outcomes],
    }


def dataset_sha256(dataset: Dataset) -> str:
    """Hex digest of the images' and labels' digests: equal data from any file format is equal."""
    splits = (dataset.train, dataset.test)
    digests = [array.sha256 for split in splits for array in (split.images, split.labels)]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _describe_dataset(
    source: Source, digits: Dataset, subset: Dataset, classes: Sequence[int]
) -> dict[str, Any]:
    sha256 = dataset_sha256(digits)
    return {
        "name": "MNIST" if sha256 == MNIST_SHA256 else source.name,
        "source": source.location,
        "sha256": sha256,
        "notice": source.notice,
        "train": digits.train.images.shape[0],
        "test": digits.test.images.shape[0],
        "classes": list(classes),
        "train_subset": subset.train.images.shape[0],
        "test_subset": subset.test.images.shape[0],
    }
