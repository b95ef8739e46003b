"""Compare: all that the report says of the models, computed and drawn only when it changes."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluate_refusal import Refusals
from tasks.filter import Subset, select_classes
from tasks.label_efficiency import LabelEfficiency
from tasks.plots.confusion import draw_confusion
from tasks.plots.curves import draw_learning_curves
from tasks.plots.gallery import draw_gallery
from tasks.plots.labels import draw_label_efficiency
from tasks.plots.unknown import draw_uncertainty
from tasks.reporting.experiment.analysis import Answers, analyse
from tasks.reporting.experiment.benefit import describe_label_efficiency
from tasks.reporting.experiment.comparison import COLUMNS, Result, describe_models
from tasks.schemas.references import Dataset, FileReference, Record
from tasks.storage.records import current_store
from tasks.storage.stages import stage


class Picture(Record):
    """An SVG element of the report."""

    name: str
    file: FileReference


class Findings(Record):
    """The report's contents: `analysis` is JSON, `table` CSV."""

    analysis: FileReference
    table: FileReference
    pictures: tuple[Picture, ...]


@stage("compare")
def compare(
    results: Sequence[Result],
    refusals: Sequence[tuple[str, Refusals]],
    approaches: Sequence[LabelEfficiency],
    images: Dataset,
    classes: tuple[int, ...],
    is_mnist: bool,
) -> Findings:
    """Compute and draw what the report shows.

    The report itself is never cached. But scipy, pandas and matplotlib take longer to import than
    a run in which nothing changed should take.

    Args:
        results: All models, recipe by recipe.
        refusals: Recipes and their heads' refusals.
        approaches: What transfer is compared with, trained by the last recipe's rules.
        images: All images and labels.
        classes: What the subset's classes are called.
        is_mnist: Whether the images are the published ones.
    """
    store = current_store()
    unknown_classes = [
        {"recipe": recipe, **head.model_dump()} for recipe, one in refusals for head in one.heads
    ]
    hits = [np.asarray(store.array(one.hits)) for one in approaches]
    label_efficiency = (
        describe_label_efficiency(results[-1].recipe, approaches, hits) if approaches else None
    )
    models = describe_models(results, is_mnist, classes)
    answers = [_answers(result, images, classes) for result in results]
    analysis = analyse(models, answers, unknown_classes, label_efficiency) | {
        "class_counts": _count(images)
    }
    pictures = [
        Picture(name=name, file=store.add_text(f"pages/{name}.svg", text))
        for name, text in draw(analysis, store.array(images.test.inputs), classes)
    ]
    return Findings(
        analysis=store.add_text("pages/analysis.json", json.dumps(analysis, allow_nan=False)),
        table=store.add_text("pages/comparison.csv", tabulate(models)),
        pictures=tuple(pictures),
    )


def draw(
    analysis: dict[str, Any], test: NDArray[np.uint8], classes: tuple[int, ...]
) -> Iterator[tuple[str, str]]:
    """Every picture of the report, as its name and an SVG element.

    Args:
        analysis: See `analyse`.
        test: All test images, uint8 (n, 28, 28, 1).
        classes: What the subset's classes are called.
    """
    yield "loss", draw_learning_curves(analysis["models"], "loss")
    yield "accuracy", draw_learning_curves(analysis["models"], "accuracy")
    if analysis["label_efficiency"]:
        yield "labels", draw_label_efficiency(analysis["label_efficiency"])
    for head in analysis["unknown_classes"]:
        yield (
            f"unknown-classes-{head['recipe']}-{head['model']}",
            draw_uncertainty(head),
        )
    for model, hardest in zip(analysis["models"], analysis["mistakes"], strict=True):
        name = f"{model['recipe']}-{model['model']}"
        known = range(len(model["confusion"])) if model["model"] == "base" else classes
        yield f"confusion-{name}", draw_confusion(model["confusion"], known)
        rows = [call["image"] for call in hardest["images"]]
        yield f"hardest-{name}", draw_gallery(test[rows], hardest["images"])


def tabulate(models: Sequence[dict[str, Any]]) -> str:
    """The columns that matter, as CSV with a header."""
    import pandas as pd

    return pd.DataFrame(models)[list(COLUMNS)].to_csv(index=False)


def _answers(result: Result, images: Dataset, classes: tuple[int, ...]) -> Answers:
    store = current_store()
    probabilities = store.array(result.evaluation.probabilities)
    labels = np.asarray(store.array(images.test.labels))
    everything = tuple(range(probabilities.shape[1]))
    if result.trained.name == "base":
        known, chosen = everything, Subset(np.arange(len(labels)), labels)
    else:
        known, chosen = classes, select_classes(labels, classes, "test")
    return Answers(
        result.recipe, result.trained.name, probabilities, chosen.labels, chosen.rows, known
    )


def _count(images: Dataset) -> list[dict[str, int]]:
    """How many training and test images each class has."""
    labels = [
        np.asarray(current_store().array(split.labels)) for split in (images.train, images.test)
    ]
    found = np.unique(np.concatenate(labels)).tolist()
    train, test = (np.bincount(one, minlength=max(found) + 1) for one in labels)
    return [{"class": c, "train": int(train[c]), "test": int(test[c])} for c in found]
