"""The ways to a classifier of few classes that transfer has to be held against."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.networks.architecture import build_backbone, build_head, join, softmax_head
from tasks.networks.compilation import Restarts
from tasks.networks.epochs import plan_epochs
from tasks.networks.inference import predicted_classes, run
from tasks.networks.recipe import Recipe, Training
from tasks.networks.training import run_epoch

if TYPE_CHECKING:
    import keras

Approach: TypeAlias = Literal["frozen", "fine-tuned", "scratch", "linear"]
LEAST_BATCHES = 20  # twice as many made no network of the tuned recipe better
APPROACHES: tuple[Approach, ...] = ("frozen", "fine-tuned", "scratch", "linear")

# Trains on chosen rows from a seed, and gives the classes of the test images.
Predict: TypeAlias = Callable[[NDArray[np.intp], int], NDArray[np.intp]]


def linear(
    train: NDArray[np.uint8], targets: NDArray[np.float32], test: NDArray[np.uint8]
) -> Predict:
    """A logistic regression on pixels, with scikit-learn's own settings; it ignores the seed."""

    def predict(rows: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(max_iter=1000)
        model.fit(_flat(train[rows]), targets[rows].argmax(axis=1))
        return np.asarray(model.predict(_flat(test)), np.intp)

    return predict


def network(
    approach: Literal["frozen", "fine-tuned", "scratch"],
    train: NDArray[np.uint8 | np.float32],
    targets: NDArray[np.float32],
    test: NDArray[np.uint8 | np.float32],
    backbone: "keras.Sequential",
    recipe: Recipe,
) -> Predict:
    """A softmax head on features, or with the backbone below it on images.

    Args:
        approach: `frozen` takes features float32 (n, m), the others images uint8 (n, 28, 28, 1).
        train: What is trained on, row by row.
        targets: One-hot labels of its rows, float32 (n, classes).
        test: What is predicted.
        backbone: The base's; `fine-tuned` starts from its weights.
        recipe: Its head's training is used, whatever is trained.
    """
    # A schedule's length would have to be that of the draw.
    training = recipe.head.model_copy(update={"warm_up": 0.0})
    head = partial(build_head, softmax_head(targets.shape[1]), backbone.output_shape[-1], training)
    start = backbone.get_weights() if approach == "fine-tuned" else None

    def whole(seed: int) -> "keras.Sequential":
        below = build_backbone(recipe.scaling, recipe.base, seed)
        below.set_weights(below.get_weights() if start is None else start)
        return join(below, head(seed), approach)

    build = head if approach == "frozen" else whole
    restarts = Restarts(build, train, targets, training)

    def predict(rows: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
        compiled = restarts.start(seed, len(rows))
        plan = plan_epochs(training, len(rows), seed, enough_epochs(training, len(rows)))
        run_epoch(partial(compiled.train_on, train[rows], targets[rows]), plan, lambda images: None)
        compiled.finish()
        return predicted_classes(run(compiled.model, test))

    return predict


def enough_epochs(training: Training, images: int) -> int:
    """The recipe's epochs, or more where they have fewer than 20 batches in all."""
    batches = -(-images // training.batch_size)
    return max(training.epochs, -(-LEAST_BATCHES // batches))


def _flat(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels 0..1, (n, 784)."""
    pixels = images.reshape(len(images), -1).astype(np.float32)
    pixels /= 255
    return pixels
