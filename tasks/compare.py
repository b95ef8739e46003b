"""Compare: all that the report says of the models, computed and drawn only when it changes."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.data.mnist import dataset_sha256, is_mnist
from tasks.data.names import positions
from tasks.data.splits import select_classes
from tasks.reporting.experiment.analysis import (
    Predictions,
    analyse,
    count_by_part,
    describe_overlap,
)
from tasks.reporting.experiment.benefit import describe_label_efficiency
from tasks.reporting.experiment.comparison import describe_models, describe_refusal
from tasks.reporting.experiment.page import COLUMNS, Shown, draw
from tasks.reporting.page import Row, tabulate
from tasks.schemas.images import ClassName, LabelledImages
from tasks.schemas.references import ArrayReference, Dataset
from tasks.schemas.results import Findings, LabelEfficiency, Learned, Picture, Refusals, Result
from tasks.storage.records import current_store
from tasks.storage.stages import stage


def count_classes(
    train: NDArray[Any], test: NDArray[Any], classes: Sequence[ClassName]
) -> list[Row]:
    """How many training and test images each class has, by labels (n,) and (m,)."""
    counts = [np.bincount(labels, minlength=len(classes)).tolist() for labels in (train, test)]
    rows = zip(classes, *counts, strict=True)
    return [{"class": name, "train": ours, "test": held_out} for name, ours, held_out in rows]


def describe_base(learned: Learned, classes: Sequence[ClassName]) -> Row:
    """What the bases had learned, by the digest of its images and labels.

    `seen` are those of the subset's classes, of which there are `asked`, that they had learned from
    the same images.
    """
    return {
        "classes": list(learned.classes),
        "asked": len(classes),
        "seen": [] if learned.is_other else [name for name in classes if name in learned.classes],
        "other_images": learned.is_other,
        "sha256": dataset_sha256(learned.images),
        "train": learned.images.train.inputs.shape[0],
        "test": learned.images.test.inputs.shape[0],
    }


@stage("compare")
def compare(
    results: Sequence[Result],
    published: Sequence[Result],
    refusals: Sequence[tuple[str, Refusals]],
    approaches: Sequence[LabelEfficiency],
    data: LabelledImages,
    classes: tuple[ClassName, ...],
    learned: Learned,
    overlap: ArrayReference,
) -> Findings:
    """Compute and draw what the report shows of models, recipe by recipe, and of approaches.

    The report itself is never cached. But scipy, pandas and matplotlib take longer to import than
    a run in which nothing changed should take. The approaches were trained by the last recipe's
    rules. The classes are those of the subset, by their names; `published` are the models of the
    notebook's first attempts; `overlap`, bool (n,), marks test images that were trained on.
    """
    store, images, all_classes = current_store(), data.images, data.classes
    of_mnist = is_mnist(images) and learned.images == images
    unknown = [describe_refusal(recipe, one) for recipe, found in refusals for one in found.models]
    hits = [store.array(one.hits) for one in approaches]
    label_efficiency = (
        describe_label_efficiency(results[-1].recipe, approaches, hits) if approaches else None
    )
    models = describe_models(results, of_mnist, classes, learned.classes)
    predictions = [
        _predictions(result, learned.images, learned.classes, learned.classes)
        if result.trained.name == "base"
        else _predictions(result, images, all_classes, classes)
        for result in results
    ]
    train, test = (store.array(split.labels) for _, split in images)
    counts = count_classes(train, test, all_classes)
    once = describe_models(published, of_mnist, classes, learned.classes)
    base = describe_base(learned, classes)
    mask = np.asarray(store.array(overlap))
    on_these = [one for one in predictions if not (one.model == "base" and learned.is_other)]
    copies = describe_overlap(mask, on_these)
    parts = count_by_part(data.parts, on_these) if len(data.parts) > 1 else []
    told = unknown, label_efficiency, base, copies, parts, counts
    analysis = analyse(models, once, predictions, *told)
    pictures = tuple(
        Picture(name=name, file=store.add_text(f"pages/{name}.svg", text))
        for name, text in draw(
            analysis,
            Shown(store.array(learned.images.test.inputs), learned.classes),
            Shown(store.array(images.test.inputs), classes),
        )
    )
    text = store.add_text("pages/analysis.json", json.dumps(analysis, allow_nan=False))
    table = store.add_text("pages/comparison.csv", tabulate(models, COLUMNS))
    return Findings(analysis=text, table=table, pictures=pictures)


def _predictions(
    result: Result,
    images: Dataset,
    all_classes: tuple[ClassName, ...],
    classes: tuple[ClassName, ...],
) -> Predictions:
    store, name = current_store(), result.trained.name
    probabilities = store.array(result.evaluation.probabilities)
    found = select_classes(store.array(images.test.labels), positions(classes, all_classes))
    return Predictions(result.recipe, name, probabilities, found.labels, found.rows, classes)
