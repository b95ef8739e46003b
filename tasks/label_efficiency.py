"""Label-efficiency: transfer against other ways to the same classifier with as few labels."""

import numpy as np

from tasks.networks.approaches import Approach, Contest, Predict
from tasks.networks.epochs import derive_seed
from tasks.networks.models import load_model
from tasks.networks.recipe import Recipe
from tasks.schemas.references import Dataset, Integers, Mask
from tasks.schemas.results import LabelEfficiency
from tasks.schemas.training import TrainedModel
from tasks.storage.stages import current_store, get_run_logger, stage

LABELLED = (1, 5, 20, 100)
DRAWS = 6


def sizes(labels: Integers) -> list[int | None]:
    """Images a class, as many as every class has more of; last None, which is all."""
    smallest = np.bincount(labels).min()
    return [*(size for size in LABELLED if size < smallest), None]


def draw_rows(labels: Integers, per_class: int | None, seed: int) -> Integers:
    """Rows of so many images of each class, or all; a larger draw contains the smaller ones."""
    if per_class is None:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    chosen = [order[labels[order] == label][:per_class] for label in np.unique(labels)]
    return np.sort(np.concatenate(chosen))


def train_on_draws(
    predict: Predict, labels: Integers, truth: Integers, seed: int
) -> tuple[tuple[int, ...], Mask]:
    """The numbers of images (of `labels`, (m,)), k, and hits (k, draws, n) on the `truth` (n,)."""
    seeds = [derive_seed(seed, "study", draw) for draw in range(DRAWS)]
    draws = [[draw_rows(labels, size, one) for one in seeds] for size in sizes(labels)]
    hits = [[predict(*one) == truth for one in zip(same, seeds, strict=True)] for same in draws]
    return tuple(len(same[0]) for same in draws), np.array(hits)


@stage("label-efficiency")
def label_efficiency(
    approach: Approach,
    base: TrainedModel,
    subset: Dataset,
    features: Dataset,
    nodes: tuple[int, ...],
    recipe: Recipe,
    seed: int,
) -> LabelEfficiency:
    """Train one approach on more and more labelled images, on the same draws as any other.

    The subset's images are uint8 (n, height, width, channels), with one-hot labels (n, classes);
    the features are theirs, and the nodes the base's of its classes.
    """
    store = current_store()
    arrays = (array for _, split in subset for array in (split.inputs, split.labels))
    train, targets, test, labels = map(store.array, arrays)
    of_train, of_test = (store.array(split.inputs) for _, split in features)
    model = load_model(store, base.model)
    contest = Contest(model, nodes, (train, of_train), targets, (test, of_test), recipe)
    predict = contest.predictor(approach)
    images, hits = train_on_draws(predict, targets.argmax(axis=1), labels.argmax(axis=1), seed)
    means = zip(hits.mean(axis=(1, 2)), images, strict=True)
    said = ", ".join(f"{accuracy:.2%} with {n:,}" for accuracy, n in means)
    get_run_logger().info(f"{approach}, mean accuracy by labelled images: {said}")
    hits_of = store.add_array(f"{approach.replace(' ', '-')}-hits", hits)
    return LabelEfficiency(approach=approach, images=images, hits=hits_of)
