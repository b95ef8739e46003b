"""Compare: all that the report says of the models, computed and drawn only when it changes."""

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tasks.data.mnist import dataset_sha256, is_mnist
from tasks.data.names import positions
from tasks.data.splits import select_classes
from tasks.plots.curves import draw_label_efficiency, draw_learning_curves, draw_margins
from tasks.plots.images import draw_confusion, draw_predictions
from tasks.reporting.experiment import analysis as experiment
from tasks.reporting.experiment.benefit import describe_label_efficiency
from tasks.reporting.page import Row, tabulate
from tasks.schemas.images import ClassName, LabelledImages
from tasks.schemas.references import Array, ArrayReference
from tasks.schemas.results import Findings, LabelEfficiency, Learned, Picture, Refusals, Result
from tasks.storage.stages import current_store, stage


def count_classes(train: Array, test: Array, classes: Sequence[ClassName]) -> list[Row]:
    """How many training and test images each class has, by labels (n,) and (m,)."""
    counts = [np.bincount(labels, minlength=len(classes)).tolist() for labels in (train, test)]
    names = ("class", "train", "test")
    return [dict(zip(names, row, strict=True)) for row in zip(classes, *counts, strict=True)]


def describe_base(learned: Learned, classes: Sequence[ClassName]) -> Row:
    """What the bases had learned, and which of the subset's classes they had `seen`."""
    return {
        "classes": list(learned.classes),
        "asked": len(classes),
        "seen": [] if learned.is_other else [name for name in classes if name in learned.classes],
        "other_images": learned.is_other,
        "sha256": dataset_sha256(learned.images),
        **{name: split.inputs.shape[0] for name, split in learned.images},
    }


def draw(
    analysis: Row, predictions: Sequence[experiment.Predictions], of_base: Array, test: Array
) -> Iterator[tuple[str, str]]:
    """Every picture of the report, as its name and an SVG element; test images are (n, h, w, c)."""
    yield "loss", draw_learning_curves(analysis["models"], "loss")
    yield "accuracy", draw_learning_curves(analysis["models"], "accuracy")
    if analysis["label_efficiency"]:
        yield "labels", draw_label_efficiency(analysis["label_efficiency"])
    for row in analysis["refusals"]:
        if row["promise"] != "none":
            yield f"refusal-{row['recipe']}-{row['model']}", draw_margins(row)
    models = zip(predictions, analysis["models"], analysis["mistakes"], strict=True)
    for one, model, hardest in models:
        name, shown = f"{one.recipe}-{one.model}", of_base if one.model == "base" else test
        yield f"confusion-{name}", draw_confusion(model["confusion"], one.classes)
        rows = [image["image"] for image in hardest["images"]]
        yield f"hardest-{name}", draw_predictions(shown[rows], hardest["images"])


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

    The report itself is never cached, but scipy, pandas and matplotlib take long to import. The
    approaches are of the last recipe, the classes those of the subset; `published` are the models
    of the notebook's first attempts; `overlap`, bool (n,), marks test images that were trained on.
    """
    store, images = current_store(), data.images
    told = is_mnist(images) and learned.images == images, classes, learned.classes
    models, once = (experiment.describe_models(some, *told) for some in (results, published))
    predictions = [_predict(result, data, classes, learned) for result in results]
    on_these = [one for one in predictions if not (one.model == "base" and learned.is_other)]
    hits = [store.array(one.hits) for one in approaches]
    refused = [
        experiment.describe_refusal(name, one) for name, found in refusals for one in found.models
    ]
    train, test = (store.array(split.labels) for _, split in images)
    analysis: Row = {
        "base": describe_base(learned, classes),
        "models": models,
        "as_published": once,
        "heads": experiment.compare_heads(predictions),
        "label_efficiency": (
            describe_label_efficiency(results[-1].recipe, approaches, hits) if approaches else None
        ),
        "mistakes": experiment.list_mistakes(predictions),
        "overlap": experiment.describe_overlap(np.asarray(store.array(overlap)), on_these),
        "parts": experiment.count_by_part(data.parts, on_these) if len(data.parts) > 1 else [],
        "refusals": refused,
        "class_counts": count_classes(train, test, data.classes),
    }
    of_base = learned.images if learned.is_other else images
    tests = (store.array(one.test.inputs) for one in (of_base, images))
    return _keep(analysis, dict(draw(analysis, predictions, *tests)))


def _predict(
    result: Result, data: LabelledImages, classes: tuple[ClassName, ...], learned: Learned
) -> experiment.Predictions:
    store, name = current_store(), result.trained.name
    of: LabelledImages | Learned = learned if name == "base" and learned.is_other else data
    classes = learned.classes if name == "base" else classes
    found = select_classes(store.array(of.images.test.labels), positions(classes, of.classes))
    probabilities = store.array(result.evaluation.probabilities)
    return experiment.Predictions(
        result.recipe, name, probabilities, found.labels, found.rows, classes
    )


def _keep(analysis: Row, pictures: Mapping[str, str]) -> Findings:
    add = current_store().add_text
    return Findings(
        analysis=add("pages/analysis.json", json.dumps(analysis, allow_nan=False)),
        table=add("pages/comparison.csv", tabulate(analysis["models"], experiment.COLUMNS)),
        pictures=tuple(
            Picture(name=name, file=add(f"pages/{name}.svg", text))
            for name, text in pictures.items()
        ),
    )
