"""Transfer to classes that the base has not seen, beside Keras's own example of it.

    TRANSFER_DATASET=... python -m benchmarks.unseen --parts keras
    TRANSFER_DATASET=... python -m benchmarks.unseen --parts labels

`keras` trains a base on 0 to 4 and a head on 5 to 9 for each seed, by the pipeline's tuned recipe
and by a plain transcription of Keras's `mnist_transfer_cnn`, and prints both accuracies on the test
images of 5 to 9. `labels` prints what each approach reaches with few labelled images a class and
with all, on bases that saw the classes and on bases that did not.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.machine import print_machine
from flows.config import Config
from flows.main import main as run_pipeline
from tasks import label_efficiency
from tasks.data.read import find_source, read_source
from tasks.data.source import Images

LAST = (5, 6, 7, 8, 9)
SUBSETS = (LAST, (3, 5), (4, 9))
LABELLED = (1, 2, 5, 10, 20, 50, 100)


def run(told: argparse.Namespace, **settings: Any) -> dict[str, Any]:
    """What one run of the pipeline found, by the tuned recipe."""
    config = Config(dataset=told.dataset, recipes=("tuned",), artifacts=told.artifacts, **settings)
    found: dict[str, Any] = json.loads((run_pipeline(config) / "metrics.json").read_text())
    return found


def compare_with_keras(told: argparse.Namespace) -> None:
    """A line for each seed, and the means."""
    data = read_source(find_source(told.dataset, 0))
    print("| seed | ours, frozen, % | Keras's example, % |\n| ---: | ---: | ---: |")
    pairs = []
    for seed in told.seeds:
        settings = {"classes": LAST, "base_classes": "others", "label_efficiency": False}
        (_, head, *_) = run(told, seed=seed, **settings)["models"]
        pairs.append((head["accuracy"], mnist_transfer_cnn(data, seed)))
        print(f"| {seed} |", " | ".join(f"{100 * one:.2f}" for one in pairs[-1]), "|", flush=True)
    print("| mean |", " | ".join(f"{100 * mean(one):.2f}" for one in zip(*pairs, strict=True)), "|")


def mnist_transfer_cnn(data: Images, seed: int) -> float:
    """Keras's example, github.com/keras-team/keras at 2.4, examples/mnist_transfer_cnn.py.

    Five epochs on 0 to 4, then five of the last layers on 5 to 9, in batches of 128. Adadelta has
    the step size 1 that was its default when the example was written; now it is 0.001.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    below = [
        layers.Conv2D(32, 3, activation="relu"),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Flatten(),
    ]
    above = [layers.Dense(128, activation="relu"), layers.Dropout(0.5), layers.Dense(5, "softmax")]
    model = keras.Sequential([keras.Input((28, 28, 1)), *below, *above])

    def fit(first: int) -> None:
        of_half = np.isin(data.train_labels, range(first, first + 5))
        pixels = data.train_images[of_half, ..., None].astype("float32") / 255
        labels = keras.utils.to_categorical(data.train_labels[of_half] - first, 5)
        model.compile(keras.optimizers.Adadelta(1.0), "categorical_crossentropy")
        model.fit(pixels, labels, 128, 5, verbose=0)

    fit(0)
    for layer in below:
        layer.trainable = False
    fit(5)
    of_half = data.test_labels >= LAST[0]
    pixels = data.test_images[of_half, ..., None].astype("float32") / 255
    found = model.predict(pixels, verbose=0).argmax(axis=1)
    return float((found == data.test_labels[of_half] - LAST[0]).mean())


def compare_labels(told: argparse.Namespace) -> None:
    """A table of accuracies by labelled images a class, for each subset and kind of base."""
    vars(label_efficiency).update(LABELLED=LABELLED, DRAWS=told.draws)
    header = ["classes", "base saw them", "approach", *map(str, LABELLED), "all"]
    print("|", " | ".join(header), "|\n| --- | --- | --- |", "---: |" * (len(LABELLED) + 1))
    for classes in SUBSETS:
        for base in ("all", "others"):
            found = run(told, classes=classes, base_classes=base)["label_efficiency"]
            for row in found["approaches"]:
                means = [f"{100 * point['mean']:.2f}" for point in row["points"]]
                cells = [",".join(map(str, classes)), "yes" if base == "all" else "no"]
                print("|", " | ".join([*cells, row["approach"], *means]), "|", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", default=os.environ.get("TRANSFER_DATASET", "auto"))
    parser.add_argument("--parts", nargs="+", default=["keras", "labels"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--draws", type=int, default=label_efficiency.DRAWS)
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    told = parser.parse_args(arguments)
    print_machine()
    if "keras" in told.parts:
        compare_with_keras(told)
    if "labels" in told.parts:
        compare_labels(told)


if __name__ == "__main__":
    main()
