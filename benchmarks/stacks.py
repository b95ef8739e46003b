"""What five epochs of a head cost in stacks of several sizes, and what they must cost at least.

    python -m benchmarks.stacks

A step has a batch of the recipe's own size, 635 or 495 steps train a head of 12,665 images for five
epochs. The features are random numbers: what a step costs does not depend on them. A stack has one
thread, as in a study's worker.
"""

import os
import time
from statistics import median
from typing import Any

import numpy as np

from benchmarks.machine import print_machine
from benchmarks.processes import in_a_process
from flows.recipes import RECIPES
from tasks.networks.architecture import HIDDEN, initial_head_weights, softmax_head
from tasks.networks.stack import HeadStack
from tasks.networks.stacked_attempts import PLACES
from tasks.networks.threads import use_one_thread

SIZES = (2, 4, 8)
IMAGES, FEATURES, EPOCHS = 12_665, 1152, 5
BATCHES, TIMES = 100, 9
GEMM_SECONDS = 2.0


def main() -> None:
    """Print the table."""
    print_machine()
    for threads in sorted({1, os.cpu_count() or 1}):
        seconds, speed = in_a_process(floor, threads)
        print(f"Floor, {threads} thread(s): {seconds:.2f} s a head at {speed:.0f} GFLOP/s.")
    print("\n| recipe | " + " | ".join(f"{size} side by side" for size in SIZES) + " |")
    print("| --- |" + " ---: |" * len(SIZES))
    for recipe in RECIPES:
        found = [f"{in_a_process(seconds_a_head, recipe, size):.2f}" for size in SIZES]
        print(f"| {recipe} | {' | '.join(found)} |", flush=True)


def seconds_a_head(recipe: str, size: int) -> float:
    """Median seconds of one of so many heads side by side, on one thread."""
    import keras

    use_one_thread()
    training, head = RECIPES[recipe].head, softmax_head(2)
    stack = HeadStack(head, FEATURES, training, size)
    for place in range(size):
        stack.start(place, initial_head_weights(head, FEATURES, place))
    rng = np.random.default_rng(0)
    features = keras.ops.convert_to_tensor(rng.random((IMAGES, FEATURES), np.float32))
    rows = rng.integers(0, IMAGES, (BATCHES, size, training.batch_size), np.int32)
    targets = np.eye(2, dtype=np.float32)[rows % 2]
    shares = np.full(rows.shape, 1 / training.batch_size, np.float32)
    found = []
    for _ in range(TIMES):
        started = time.perf_counter()
        stack.train(features, rows, targets, shares)
        found.append(time.perf_counter() - started)
    steps = EPOCHS * -(-IMAGES // training.batch_size)
    return median(found) / BATCHES * steps / size


def floor(threads: int) -> tuple[float, float]:
    """Seconds a head if there were nothing but its matrix products, and GFLOP/s of these.

    Forward, and the gradient of the weights: 2 x 2 x 1152 x 200 operations for each of 12,665
    images in each of five epochs, 58 GFLOP, in products of the notebook's batches' shape.
    """
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)  # more would multiply side by side
    batch = tf.random.normal([PLACES, 100, FEATURES])
    kernel = tf.random.normal([PLACES, FEATURES, HIDDEN])

    @tf.function  # type: ignore[untyped-decorator]
    def products() -> Any:
        total = 0.0
        for _ in tf.range(10):
            hidden = tf.matmul(batch, kernel)
            gradient = tf.matmul(batch, hidden, transpose_a=True)
            total += gradient[0, 0, 0]  # what nobody uses is not computed
        return total

    products()
    started, times = time.perf_counter(), 0
    while time.perf_counter() - started < GEMM_SECONDS:
        float(products())
        times += 1
    operations = times * 10 * 2 * PLACES * (2 * 100 * FEATURES * HIDDEN)
    speed = operations / (time.perf_counter() - started)
    return EPOCHS * IMAGES * 2 * 2 * FEATURES * HIDDEN / speed, speed / 1e9


if __name__ == "__main__":
    main()
