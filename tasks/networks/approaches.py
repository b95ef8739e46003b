"""The ways to a classifier of few classes that transfer has to be held against.

Networks are trained for as many epochs as the recipe's heads, and at least `LEAST_STEPS` steps, in
batches of at most `BATCH` images; one that ends dead on its own training images is started again.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from tasks.networks.architecture import build_base, build_head, softmax_head
from tasks.networks.epochs import derive_seed, plan_epochs
from tasks.networks.health import diagnose
from tasks.networks.inference import Model, predicted_classes, run
from tasks.networks.recipe import Recipe, Training
from tasks.networks.training import Compiled, run_epoch

Approach: TypeAlias = Literal["frozen", "fine-tuned", "scratch", "linear", "base alone"]
APPROACHES: tuple[Approach, ...] = get_args(Approach)
BATCH = 32
LEAST_STEPS = 300
FINE = 0.1  # of the base's step size, which would undo what its backbone has learned

# Trains on chosen rows from a seed, and gives the classes of the test images.
Predict: TypeAlias = Callable[[NDArray[np.intp], int], NDArray[np.intp]]
# The same, or from given weights, and gives the network.
Train: TypeAlias = Callable[..., Model]
# Images uint8 (n, height, width, channels), and their features float32 (n, m).
Both: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.float32]]


def predictor(
    approach: Approach,
    base: Model,
    nodes: tuple[int, ...],
    train: Both,
    targets: NDArray[np.float32],
    test: Both,
    recipe: Recipe,
) -> Predict:
    """One of the ways, on images and features to train on and to test.

    `base alone` takes the most probable of the base's nodes of the classes, and no label;
    `fine-tuned` is Chollet's (Transfer learning and fine-tuning, keras.io, 2020). The targets are
    one-hot, float32 (n, classes).
    """
    if approach == "base alone":
        found: NDArray[np.intp] = run(base, test[0])[:, list(nodes)].argmax(axis=1)
        return lambda rows, seed: found
    if approach == "linear":
        return linear(train[0], targets, test[0])
    if approach == "frozen":
        trained = frozen(train[1], targets, recipe)
    elif approach == "scratch":
        trained = scratch(train[0], targets, base.get_layer("backbone"), recipe)
    else:
        trained = fine_tuned(train, targets, base.get_layer("backbone"), recipe)
    tested = test[approach == "frozen"]
    return lambda rows, seed: predicted_classes(run(trained(rows, seed), tested))


def trainer(
    model: Model, inputs: NDArray[Any], targets: NDArray[np.float32], training: Training
) -> Train:
    """Trains a new network on rows of inputs (n, ...) and targets (n, classes)."""
    compiled = Compiled(model, inputs, targets, training)

    def train(rows: NDArray[np.intp], seed: int, weights: Sequence[NDArray[Any]] = ()) -> Model:
        x, y = inputs[rows], targets[rows]
        epochs = training.epochs_for(len(x))
        for attempt in range(training.attempts):
            own_seed = derive_seed(seed, "approach", attempt)
            compiled.start(own_seed, len(x))
            if weights:
                model.set_weights(weights)
            plan = plan_epochs(training, len(x), own_seed, epochs, x.shape[1:])
            run_epoch(partial(compiled.train_on, x, y), plan, lambda images: None)
            compiled.finish()
            found = predicted_classes(run(model, x))
            if not diagnose(found, y.argmax(axis=1), y.shape[1]):
                break
        return model

    return train


def linear(
    train: NDArray[np.uint8], targets: NDArray[np.float32], test: NDArray[np.uint8]
) -> Predict:
    """A logistic regression on pixels, with scikit-learn's own settings; it ignores the seed."""
    from sklearn.linear_model import LogisticRegression

    pixels, tested = (
        np.divide(images.reshape(len(images), -1), 255, dtype=np.float32)
        for images in (train, test)
    )

    def predict(rows: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
        model = LogisticRegression(max_iter=1000).fit(pixels[rows], targets[rows].argmax(axis=1))
        return np.asarray(model.predict(tested), np.intp)

    return predict


def frozen(features: NDArray[np.float32], targets: NDArray[np.float32], recipe: Recipe) -> Train:
    """A softmax head on features (n, m), trained as the recipe's heads are."""
    training, head = to_its_end(recipe.head, recipe), softmax_head(targets.shape[1])
    return trainer(build_head(head, features.shape[1], training), features, targets, training)


def scratch(
    images: NDArray[np.uint8], targets: NDArray[np.float32], backbone: Model, recipe: Recipe
) -> Train:
    """A network like the base from random weights, trained as the base is, distortions included."""
    training = to_its_end(recipe.base, recipe)
    mean, classes = -backbone.layers[0].offset / recipe.scaling, targets.shape[1]
    model = build_base(images.shape[1:], classes, recipe.scaling, training, mean=mean)
    return trainer(model, images, targets, training)


def fine_tuned(train: Both, targets: NDArray[np.float32], backbone: Model, recipe: Recipe) -> Train:
    """A head on the frozen backbone; then both, trained as the base is, in smaller steps."""
    slower = recipe.base.model_copy(update={"learning_rate": FINE * recipe.base.learning_rate})
    whole = scratch(train[0], targets, backbone, recipe.model_copy(update={"base": slower}))
    head = frozen(train[1], targets, recipe)

    def train_both(rows: NDArray[np.intp], seed: int) -> Model:
        return whole(rows, seed, [*backbone.get_weights(), *head(rows, seed).get_weights()])

    return train_both


def to_its_end(training: Training, recipe: Recipe) -> Training:
    """The same training for networks of few labels or many."""
    few = {"batch_size": BATCH, "least_batches": 1, "least_steps": LEAST_STEPS}
    return training.model_copy(update=few | {"epochs": recipe.head.epochs})
