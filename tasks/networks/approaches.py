"""The ways to a classifier of few classes that transfer has to be held against.

Networks are trained for as many epochs as the recipe's heads, and at least `LEAST_STEPS` steps, in
batches of at most `BATCH` images; one that ends dead on its own training images is started again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias, get_args

import numpy as np

from tasks.networks.architecture import build_base, build_head, softmax_head
from tasks.networks.epochs import derive_seed, plan_epochs
from tasks.networks.health import diagnose
from tasks.networks.inference import Model, predicted_classes, run
from tasks.networks.recipe import Recipe, Training
from tasks.networks.training import Compiled, run_epoch
from tasks.schemas.references import Array, Floats, Integers, Pixels

Approach: TypeAlias = Literal["frozen", "fine-tuned", "scratch", "linear", "base alone"]
APPROACHES: tuple[Approach, ...] = get_args(Approach)
BATCH = 32
LEAST_STEPS = 300
FINE = 0.1  # of the base's step size, which would undo what its backbone has learned

# Trains on chosen rows from a seed, and gives the classes of the test images.
Predict: TypeAlias = Callable[[Integers, int], Integers]
# The same, or from given weights, and gives the network.
Train: TypeAlias = Callable[..., Model]
# Images uint8 (n, height, width, channels), and their features float32 (n, m).
Both: TypeAlias = tuple[Pixels, Floats]


@dataclass(frozen=True)
class Contest:
    """What the ways are held against each other on, one-hot targets float32 (n, classes)."""

    base: Model
    nodes: tuple[int, ...]  # the base's of the classes
    train: Both
    targets: Floats
    test: Both
    recipe: Recipe

    def predictor(self, approach: Approach) -> Predict:
        """One of the ways.

        `base alone` takes the most probable of the base's nodes of the classes, and no label;
        `fine-tuned` is Chollet's (Transfer learning and fine-tuning, keras.io, 2020).
        """
        if approach == "base alone":
            found = run(self.base, self.test[0])[:, list(self.nodes)].argmax(axis=1)
            return lambda rows, seed: found
        if approach == "linear":
            return self._linear()
        ways = {"frozen": self._frozen, "scratch": self._scratch, "fine-tuned": self._fine_tuned}
        trained, tested = ways[approach](), self.test[approach == "frozen"]
        return lambda rows, seed: predicted_classes(run(trained(rows, seed), tested))

    def _trainer(self, model: Model, inputs: Array, training: Training) -> Train:
        """Trains a new network on rows of inputs (n, ...)."""
        compiled = Compiled(model, inputs, self.targets, training)

        def train(rows: Integers, seed: int, weights: Sequence[Array] = ()) -> Model:
            x, y = inputs[rows], self.targets[rows]
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

    def _linear(self) -> Predict:
        """A logistic regression on pixels, with scikit-learn's own settings; it ignores seeds."""
        from sklearn.linear_model import LogisticRegression

        pixels, tested = (
            np.divide(images.reshape(len(images), -1), 255, dtype=np.float32)
            for images, _ in (self.train, self.test)
        )
        labels = self.targets.argmax(axis=1)

        def predict(rows: Integers, seed: int) -> Integers:
            model = LogisticRegression(max_iter=1000).fit(pixels[rows], labels[rows])
            return np.asarray(model.predict(tested), np.intp)

        return predict

    def _frozen(self) -> Train:
        """A softmax head on features, trained as the recipe's heads are."""
        training, features = to_its_end(self.recipe.head, self.recipe), self.train[1]
        head = build_head(softmax_head(self.targets.shape[1]), features.shape[1], training)
        return self._trainer(head, features, training)

    def _scratch(self, step: float = 1) -> Train:
        """A network like the base from random weights, trained as it is, distortions included."""
        recipe, images, classes = self.recipe, self.train[0], self.targets.shape[1]
        rate = {"learning_rate": step * recipe.base.learning_rate}
        training = to_its_end(recipe.base.model_copy(update=rate), recipe)
        mean = -self.base.get_layer("backbone").layers[0].offset / recipe.scaling
        model = build_base(images.shape[1:], classes, recipe.scaling, training, mean=mean)
        return self._trainer(model, images, training)

    def _fine_tuned(self) -> Train:
        """A head on the frozen backbone; then both, trained as the base is, in smaller steps."""
        backbone, whole, head = self.base.get_layer("backbone"), self._scratch(FINE), self._frozen()

        def train_both(rows: Integers, seed: int) -> Model:
            return whole(rows, seed, [*backbone.get_weights(), *head(rows, seed).get_weights()])

        return train_both


def to_its_end(training: Training, recipe: Recipe) -> Training:
    """The same training for networks of few labels or many."""
    few = {"batch_size": BATCH, "least_batches": 1, "least_steps": LEAST_STEPS}
    all_images = {"epochs": recipe.head.epochs, "most_images": None}
    return training.model_copy(update=few | all_images)
