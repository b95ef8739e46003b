"""The ways to a classifier of few classes that transfer has to be held against."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from tasks.networks.architecture import build_backbone, build_head, join, softmax_head
from tasks.networks.compilation import Restarts
from tasks.networks.epochs import plan_epochs
from tasks.networks.inference import Model, predicted_classes, run
from tasks.networks.recipe import Recipe
from tasks.networks.training import run_epoch

Approach: TypeAlias = Literal["frozen", "fine-tuned", "scratch", "linear"]
APPROACHES: tuple[Approach, ...] = get_args(Approach)
# Also where a person gives the epochs. Twice as many made no network of the tuned recipe better.
LEAST_STEPS = 20

# Trains on chosen rows from a seed, and gives the classes of the test images.
Predict: TypeAlias = Callable[[NDArray[np.intp], int], NDArray[np.intp]]


def linear(
    train: NDArray[np.uint8], targets: NDArray[np.float32], test: NDArray[np.uint8]
) -> Predict:
    """A logistic regression on pixels, with scikit-learn's own settings; it ignores the seed."""

    def predict(rows: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
        from sklearn.linear_model import LogisticRegression

        labels = targets[rows].argmax(axis=1)
        model = LogisticRegression(max_iter=1000).fit(_flat(train[rows]), labels)
        return np.asarray(model.predict(_flat(test)), np.intp)

    return predict


def network(
    approach: Literal["frozen", "fine-tuned", "scratch"],
    train: NDArray[Any],
    targets: NDArray[np.float32],
    test: NDArray[Any],
    backbone: Model,
    recipe: Recipe,
) -> Predict:
    """A softmax head on features, or with the backbone below it on images.

    `frozen` takes features float32 (n, m), the others images uint8 (n, height, width, channels);
    the targets are one-hot, float32 (n, classes). `fine-tuned` starts from the weights of the
    base's backbone. Whatever is trained, it is trained as the recipe's heads are.
    """
    least_steps = max(LEAST_STEPS, recipe.head.least_steps)
    training = recipe.head.model_copy(update={"least_steps": least_steps})
    head = partial(build_head, softmax_head(targets.shape[1]), backbone.output_shape[-1], training)

    def whole(seed: int) -> Model:
        mean = -backbone.layers[0].offset / recipe.scaling
        below = build_backbone(train.shape[1:], recipe.scaling, recipe.base, seed, mean)
        if approach == "fine-tuned":
            below.set_weights(backbone.get_weights())
        return join(below, head(seed))

    restarts = Restarts(head if approach == "frozen" else whole, train, targets, training)

    def predict(rows: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
        compiled = restarts.start(seed, len(rows))
        epochs = training.epochs_for(len(rows))
        plan = plan_epochs(training, len(rows), seed, epochs, train.shape[1:])
        run_epoch(partial(compiled.train_on, train[rows], targets[rows]), plan, lambda images: None)
        compiled.finish()
        return predicted_classes(run(compiled.model, test))

    return predict


def _flat(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels 0..1, (n, m)."""
    return np.divide(images.reshape(len(images), -1), 255, dtype=np.float32)
