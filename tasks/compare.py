"""Compare: all that the report says of the models, computed and drawn only when it changes."""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.data.splits import select_classes
from tasks.reporting.experiment.analysis import Predictions, analyse
from tasks.reporting.experiment.comparison import (
    describe_label_efficiency,
    describe_models,
    describe_unknown,
)
from tasks.reporting.experiment.page import COLUMNS, draw
from tasks.reporting.page import tabulate
from tasks.schemas.references import Dataset
from tasks.schemas.results import Findings, LabelEfficiency, Picture, Refusals, Result
from tasks.storage.records import current_store
from tasks.storage.stages import stage


def count_classes(train: NDArray[np.uint8], test: NDArray[np.uint8]) -> list[dict[str, int]]:
    """How many training and test images each class has that has any, by labels (n,) and (m,)."""
    found = np.unique(np.concatenate([train, test])).tolist()
    counts = [np.bincount(labels, minlength=max(found) + 1) for labels in (train, test)]
    return [{"class": c, "train": int(counts[0][c]), "test": int(counts[1][c])} for c in found]


@stage("compare")
def compare(
    results: Sequence[Result],
    refusals: Sequence[tuple[str, Refusals]],
    approaches: Sequence[LabelEfficiency],
    images: Dataset,
    classes: tuple[int, ...],
    is_mnist: bool,
) -> Findings:
    """Compute and draw what the report shows of models, recipe by recipe, and of approaches.

    The report itself is never cached. But scipy, pandas and matplotlib take longer to import than
    a run in which nothing changed should take. The approaches were trained by the last recipe's
    rules; the classes are what those of the subset are called.
    """
    store = current_store()
    unknown = [describe_unknown(recipe, head) for recipe, found in refusals for head in found.heads]
    hits = [store.array(one.hits) for one in approaches]
    label_efficiency = (
        describe_label_efficiency(results[-1].recipe, approaches, hits) if approaches else None
    )
    models = describe_models(results, is_mnist, classes)
    predictions = [_predictions(result, images, classes) for result in results]
    counts = count_classes(store.array(images.train.labels), store.array(images.test.labels))
    analysis = analyse(models, predictions, unknown, label_efficiency, counts)
    pictures = tuple(
        Picture(name=name, file=store.add_text(f"pages/{name}.svg", text))
        for name, text in draw(analysis, store.array(images.test.inputs), classes)
    )
    text = store.add_text("pages/analysis.json", json.dumps(analysis, allow_nan=False))
    table = store.add_text("pages/comparison.csv", tabulate(models, COLUMNS))
    return Findings(analysis=text, table=table, pictures=pictures)


def _predictions(result: Result, images: Dataset, classes: tuple[int, ...]) -> Predictions:
    store, name = current_store(), result.trained.name
    probabilities = store.array(result.evaluation.probabilities)
    labels = store.array(images.test.labels)
    if name == "base":
        rows, classes = np.arange(len(labels)), tuple(range(probabilities.shape[1]))
    else:
        rows, labels = select_classes(labels, classes, "test")
    return Predictions(result.recipe, name, probabilities, labels, rows, classes)
