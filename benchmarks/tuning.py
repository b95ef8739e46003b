"""How the numbers of the tuned recipe's base were chosen, without a look at the test images.

    TRANSFER_DATASET=... python -m benchmarks.tuning

Varies one setting of the recipe's base at a time, trains on the first 50,000 training images of
MNIST's IDX files in a folder, and prints errors and log loss on the other 10,000. The files of test
images are never opened. The recipe's own row comes first; a setting is chosen by the mean over
seeds. With `--images` and `--epochs` it is a quick look at fewer.
"""

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from benchmarks.machine import print_machine
from flows.config import Config
from tasks.data.idx import IMAGE, LABEL, find_idx_files, read_idx
from tasks.data.splits import encode
from tasks.networks.architecture import build_base
from tasks.networks.attempts import make_attempts
from tasks.networks.inference import run
from tasks.networks.recipe import Augmentation, Recipe
from tasks.networks.training import Compiled

TRAINED = 50_000
VALUES: dict[str, tuple[Any, ...]] = {
    "learning_rate": (0.003, 0.012),
    "batch_size": (100, 400),
    "epochs": (10, 30),
    "warm_up": (0.1, 0.6),
    "beta_2": (0.98, 0.999),
    "weight_decay": (0.0, 0.025, 0.1),
    "averaging": (0.0, 0.98, 0.995),
    "label_smoothing": (0.0, 0.025, 0.1),
    "dropout": (0.0, 0.5),
}
LIMITS = {"shift": (1.0, 3.0), "rotation": (5.0, 20.0), "zoom": (0.0, 0.2), "shear": (0.0, 0.2)}
NOT_TRIED = (
    "Not evaluated here: settings together, other optimizers, losses and networks, the heads' "
    "settings, and values between and beyond these."
)

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # images (n, 28, 28, 1), labels (n,)


def variations(recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
    """The recipe itself, and it with one setting of its base changed, each by its name."""
    yield "the recipe", recipe
    for name, values in VALUES.items():
        for value in values:
            yield f"{name} {value:g}", _with_base(recipe, **{name: value})
    yield "no distortions", _with_base(recipe, augmentation=None)
    assert recipe.base.augmentation
    for name, values in LIMITS.items():
        for value in values:
            limits: Augmentation = recipe.base.augmentation.model_copy(update={name: value})
            yield f"{name} {value:g}", _with_base(recipe, augmentation=limits)


def _with_base(recipe: Recipe, **changed: Any) -> Recipe:
    return recipe.model_copy(update={"base": recipe.base.model_copy(update=changed)})


def read_training_images(folder: Path, most: int) -> tuple[Arrays, Arrays]:
    """Images to train on, at most so many, and the others, from the training files alone."""
    images, labels, *_ = find_idx_files(folder)
    pixels, named = read_idx(images, IMAGE)[..., None], read_idx(labels, LABEL)
    rows = slice(min(most, TRAINED))
    return (pixels[rows], named[rows]), (pixels[TRAINED:], named[TRAINED:])


def try_recipe(recipe: Recipe, train: Arrays, others: Arrays, seed: int) -> tuple[float, float]:
    """The share of the others that is called wrong, and their log loss."""
    (pixels, labels), (unseen, truth) = train, others
    targets, rows = encode(labels, 10), np.arange(len(labels), dtype=np.int32)
    model = build_base(pixels.shape[1:], 10, recipe.scaling, recipe.base)
    compiled = Compiled(model, pixels, targets, recipe.base)
    make_attempts(compiled, pixels, targets, rows, seed)
    found = run(compiled.model, unseen)
    return float((found.argmax(axis=1) != truth).mean()), float(log_loss(truth, found))


def print_row(
    name: str, recipe: Recipe, told: argparse.Namespace, data: tuple[Arrays, Arrays]
) -> None:
    """A line of the table: means over seeds, and the standard error of the error."""
    started = time.perf_counter()
    found = np.array([try_recipe(recipe, data[0], data[1], seed) for seed in range(told.seeds)])
    (error, loss), spread = found.mean(axis=0), found[:, 0].std(ddof=1) / told.seeds**0.5
    seconds = (time.perf_counter() - started) / told.seeds
    print(
        f"| {name} | {100 * error:.2f} | {100 * spread:.2f} | {loss:.4f} | {seconds:.0f} |",
        flush=True,
    )


def main() -> None:
    """Try every variation and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=os.environ.get("TRANSFER_DATASET"))
    parser.add_argument("--seeds", type=int, default=2, help="two or more")
    parser.add_argument("--images", type=int, default=TRAINED)
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    told = parser.parse_args()
    data = read_training_images(told.folder, told.images)
    recipe = Config(recipes=("tuned",), base_epochs=told.epochs).chosen_recipes()["tuned"]
    print_machine()
    print("| setting | error, % | standard error | log loss | seconds each |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, changed in variations(recipe):
        print_row(name, changed, told, data)
    print(f"\n{NOT_TRIED}")


if __name__ == "__main__":
    main()
