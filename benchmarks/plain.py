"""The notebook as a plain Keras script: no Prefect, no cache, nothing looked at twice.

    python -m benchmarks.plain DATASET

Prints the seconds of its parts as JSON; see `benchmarks/speed.py`.
"""

import argparse
import json
import time
from typing import Any, TypeAlias

import keras
import numpy as np

from tasks.data.read import find_source, read_source

BATCH = 100
Arrays: TypeAlias = tuple[Any, Any]


def convolutions() -> list[keras.Layer]:
    """The layers that are transferred."""
    return [
        layer
        for filters in (32, 64, 128)
        for layer in (
            keras.layers.Conv2D(filters, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
        )
    ]


def classifier(
    layers: list[keras.Layer], nodes: int, activation: str, train: Arrays, test: Arrays, epochs: int
) -> None:
    """Put a new head on the layers, train it and evaluate it."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *layers,
            keras.layers.Flatten(),
            keras.layers.Dense(200, activation="relu"),
            keras.layers.Dense(nodes, activation=activation),
        ]
    )
    model.compile(keras.optimizers.SGD(0.01), "mean_squared_error", metrics=["accuracy"])
    model.fit(*train, batch_size=BATCH, epochs=epochs, verbose=0)
    model.evaluate(*test, batch_size=BATCH, verbose=0)


def main() -> None:
    """Train the base, transfer it twice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--base-epochs", type=int, default=10)
    parser.add_argument("--head-epochs", type=int, default=5)
    arguments = parser.parse_args()
    data = read_source(find_source(arguments.dataset, 0))
    x_train, x_test = data.train_images[..., None], data.test_images[..., None]
    y_train, y_test = data.train_labels, data.test_labels
    layers = convolutions()

    started = time.perf_counter()
    train = (x_train, keras.utils.to_categorical(y_train, 10))
    test = (x_test, keras.utils.to_categorical(y_test, 10))
    classifier(layers, 10, "softmax", train, test, arguments.base_epochs)
    trained = time.perf_counter()

    for layer in layers:
        layer.trainable = False
    few_train, few_test = y_train <= 1, y_test <= 1
    two_train = (x_train[few_train], keras.utils.to_categorical(y_train[few_train], 2))
    two_test = (x_test[few_test], keras.utils.to_categorical(y_test[few_test], 2))
    classifier(layers, 2, "softmax", two_train, two_test, arguments.head_epochs)
    one_train = (two_train[0], np.argmax(two_train[1], axis=1)[:, None])
    one_test = (two_test[0], np.argmax(two_test[1], axis=1)[:, None])
    classifier(layers, 1, "sigmoid", one_train, one_test, arguments.head_epochs)
    print(json.dumps({"base": trained - started, "transfers": time.perf_counter() - trained}))


if __name__ == "__main__":
    main()
