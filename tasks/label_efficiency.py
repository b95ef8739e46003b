"""Label-efficiency: transfer against other ways to the same classifier with as few labels."""

import numpy as np
from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.networks.approaches import Approach, Predict, linear, network
from tasks.networks.epochs import derive_seed
from tasks.networks.models import load_model
from tasks.networks.recipe import Recipe
from tasks.schemas.references import Dataset
from tasks.schemas.results import LabelEfficiency, Point
from tasks.schemas.training import TrainedModel
from tasks.storage.records import current_store
from tasks.storage.stages import stage

LABELLED = (1, 2, 5, 10, 20, 50, 100)
DRAWS = 5


def sizes(labels: NDArray[np.intp]) -> list[int | None]:
    """Images a class, as many as every class has more of; last None, which is all."""
    smallest = np.bincount(labels).min()
    return [*(size for size in LABELLED if size < smallest), None]


def draw_rows(labels: NDArray[np.intp], per_class: int | None, seed: int) -> NDArray[np.intp]:
    """Rows of so many images of each class, or all; a larger draw contains the smaller ones."""
    if per_class is None:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    chosen = [order[labels[order] == label][:per_class] for label in np.unique(labels)]
    return np.sort(np.concatenate(chosen))


@stage("label-efficiency")
def label_efficiency(
    approach: Approach,
    base: TrainedModel,
    subset: Dataset,
    features: Dataset,
    recipe: Recipe,
    seed: int,
) -> LabelEfficiency:
    """Train one approach on more and more labelled images, each time on several draws of them.

    It is `frozen`, a head on the features of the base's frozen backbone; `fine-tuned`, the same
    head with the backbone trained on; `scratch`, the same network from random weights; or `linear`,
    a logistic regression on pixels. All four see the same draws, and the networks, whatever of them
    is trained as the recipe's heads are, the same number of batches. The subset's images are uint8
    (n, height, width, channels), with one-hot labels (n, classes); the features are theirs.
    """
    store = current_store()
    data = features if approach == "frozen" else subset
    predict = _prepare(approach, base, data, recipe)
    labels = store.array(data.train.labels).argmax(axis=1)
    truth = store.array(data.test.labels).argmax(axis=1)
    seeds = [derive_seed(seed, "study", draw) for draw in range(DRAWS)]
    points = []
    for per_class in sizes(labels):
        draws = [draw_rows(labels, per_class, one) for one in seeds]
        hits = [predict(rows, one) == truth for rows, one in zip(draws, seeds, strict=True)]
        accuracies = tuple(float(hit.mean()) for hit in hits)
        point = Point(images=len(draws[0]), accuracies=accuracies)
        points.append(point)
        line = f"{approach}, {point.images} images: accuracy {np.mean(accuracies):.4f}"
        get_run_logger().info(line)
    return LabelEfficiency(
        approach=approach, points=tuple(points), hits=store.add_array(f"{approach}-hits", hits[0])
    )


def _prepare(approach: Approach, base: TrainedModel, data: Dataset, recipe: Recipe) -> Predict:
    store = current_store()
    train, targets, test = (
        store.array(array) for array in (data.train.inputs, data.train.labels, data.test.inputs)
    )
    if approach == "linear":
        return linear(train, targets, test)
    backbone = load_model(store, base.model).get_layer("backbone")
    return network(approach, train, targets, test, backbone, recipe)
