"""How accurate the tuned base is on few training images, beside two rivals.

    TRANSFER_DATASET=... python -m benchmarks.small

Draws as many images of each class from the first 50,000 training images, trains on each draw, and
prints accuracies on the test images: mean, worst and best draw. The rivals are a plain Keras
network, which sees distorted images and is trained until it stops improving on a fifth of its draw,
and a support vector machine on pixels, with settings chosen by cross-validation on its draw.
With `--validate` the accuracies are those on the other 10,000 training images: recipes are chosen
by them.
"""

import argparse
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from statistics import mean
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import print_machine
from flows.config import Config
from tasks.data.read import find_source, read_source
from tasks.data.source import Images
from tasks.data.splits import encode
from tasks.label_efficiency import draw_rows
from tasks.networks.architecture import build_base
from tasks.networks.attempts import make_attempts
from tasks.networks.inference import predicted_classes, run
from tasks.networks.training import Compiled

DIGITS = 10
SIZES = (100, 150, 500, 1_500, 5_000)
DRAWS = 3
DRAWN_FROM = 50_000
BATCH = 32
PATIENT_EPOCHS, PATIENT_BATCHES = 20, 500  # without improvement, both of them
GRID = {"C": (1, 10), "gamma": (0.01, 0.02, 0.03)}

Bytes: TypeAlias = NDArray[np.uint8]
Split: TypeAlias = tuple[Bytes, Bytes]  # images (n, 28, 28), labels (n,)
Classes: TypeAlias = NDArray[np.intp]
# Trains on images (n, 28, 28, 1) with labels (n,) from a seed; gives the classes of other images.
Method: TypeAlias = Callable[[Bytes, Bytes, Bytes, int], Classes]


def tuned_base(pixels: Bytes, labels: Bytes, others: Bytes, seed: int) -> Classes:
    """The base as `train_base` would train it."""
    recipe = Config().chosen_recipes()["tuned"]
    model = build_base(pixels.shape[1:], DIGITS, recipe.scaling, recipe.base)
    targets, rows = encode(labels, DIGITS), np.arange(len(labels), dtype=np.int32)
    compiled = Compiled(model, pixels, targets, recipe.base)
    make_attempts(compiled, pixels, targets, rows, seed)
    return predicted_classes(run(compiled.model, others))


def plain_network(pixels: Bytes, labels: Bytes, others: Bytes, seed: int) -> Classes:
    """A small Keras network, trained by `fit` until it stops improving."""
    import keras
    from sklearn.model_selection import train_test_split

    keras.utils.set_random_seed(seed)
    x, held_out_x, y, held_out_y = train_test_split(
        pixels, labels, test_size=0.2, stratify=labels, random_state=seed
    )
    model = _plain_network()
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy")
    patience = max(PATIENT_EPOCHS, math.ceil(PATIENT_BATCHES * BATCH / len(x)))
    stop = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
    held_out, most = (held_out_x, held_out_y), 100 * patience
    model.fit(x, y, BATCH, most, verbose=0, callbacks=[stop], validation_data=held_out)
    return predicted_classes(run(model, others))


def _plain_network() -> Any:
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.RandomTranslation(2 / 28, 2 / 28, fill_mode="constant"),
            layers.RandomRotation(10 / 360, fill_mode="constant"),
            layers.RandomZoom(0.1, 0.1, fill_mode="constant"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(DIGITS, activation="softmax"),
        ]
    )


def support_vectors(pixels: Bytes, labels: Bytes, others: Bytes, seed: int) -> Classes:
    """A support vector machine with a radial kernel on pixels 0..1; it ignores the seed."""
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import SVC

    x, unseen = (images.reshape(len(images), -1) / 255 for images in (pixels, others))
    found = GridSearchCV(SVC(), GRID, cv=3).fit(x, labels)
    return np.asarray(found.predict(unseen), np.intp)


METHODS: dict[str, Method] = {
    "tuned": tuned_base,
    "plain network": plain_network,
    "support vectors": support_vectors,
}


@dataclass(frozen=True)
class Outcome:
    """What came of one method on one draw: accuracy (0..1), and seconds, predictions included."""

    accuracy: float
    seconds: float


def try_method(method: Method, images: Images, others: Split, size: int, seed: int) -> Outcome:
    """Train on one draw of so many images."""
    rows = draw_rows(images.train_labels[:DRAWN_FROM].astype(np.intp), size // DIGITS, seed)
    pixels, labels = images.train_images[rows, ..., None], images.train_labels[rows]
    started = time.perf_counter()
    found = method(pixels, labels, others[0][..., None], seed)
    return Outcome(float((found == others[1]).mean()), time.perf_counter() - started)


def print_row(size: int, method: str, outcomes: Sequence[Outcome]) -> None:
    """A line of the table."""
    accuracies = [outcome.accuracy for outcome in outcomes]
    each = (mean(accuracies), min(accuracies), max(accuracies))
    cells = [f"{size:,}", method, *(f"{100 * accuracy:.2f}" for accuracy in each)]
    seconds = mean(outcome.seconds for outcome in outcomes)
    print("|", " | ".join(cells), f"| {seconds:.1f} |", flush=True)


def main() -> None:
    """Train on every draw and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seed", type=int, default=0, help="of the first draw")
    parser.add_argument("--validate", action="store_true", help="on other training images")
    arguments = parser.parse_args()
    images = read_source(find_source(os.environ.get("TRANSFER_DATASET", "auto"), 0))
    others = images.test_images, images.test_labels
    if arguments.validate:
        others = images.train_images[DRAWN_FROM:], images.train_labels[DRAWN_FROM:]
    seeds = range(arguments.seed, arguments.seed + DRAWS)
    print_machine()
    print("| images | method | mean, % | worst | best | seconds each |")
    print("| ---: | --- |" + " ---: |" * 4, flush=True)
    for size, name in product(arguments.sizes, arguments.methods):
        tried = partial(try_method, METHODS[name], images, others, size)
        print_row(size, name, [tried(seed) for seed in seeds])


if __name__ == "__main__":
    main()
