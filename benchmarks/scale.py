"""What a head costs among many, on one worker and on two.

    TRANSFER_DATASET=... python -m benchmarks.scale

Ours is what a study does with its trials: heads of two nodes on pairs of digits, five epochs of the
notebook's training, side by side on worker processes of one thread each; seconds are those from
the start of the workers to the last result. Theirs is the same head trained by itself, again and
again, by one process with a thread for each core, its start left out. The features are those of an
untrained backbone: what heads learn from them does not matter here.
"""

import argparse
import os
import time
from functools import partial
from itertools import combinations
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import print_machine
from benchmarks.memory import peak_memory
from benchmarks.processes import in_a_process
from flows.recipes import RECIPES
from tasks.data.read import find_source, read_source
from tasks.data.splits import encode, select_classes
from tasks.networks.architecture import build_backbone, build_head, softmax_head
from tasks.networks.inference import run
from tasks.networks.training import Compiled, as_tensors, fit
from tasks.schemas.references import Dataset, Split
from tasks.storage.store import Store
from tasks.trials.processes import run_on_processes
from tasks.trials.trial import Group, Trial, train_group

HEADS = (1, 10, 45, 450)
WORKERS = (1, 2)
ALONE = 5
TRAINING = RECIPES["notebook"].head


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--heads", type=int, nargs="+", default=list(HEADS))
    heads = parser.parse_args().heads
    print_machine()
    with TemporaryDirectory() as folder:
        features = in_a_process(extract, folder)
        alone = in_a_process(seconds_alone, folder, features)
        print(f"A head by itself: {alone:.2f} s.")
        print("\n| heads | workers | seconds | seconds a head | alone / ours | peak memory, MB |")
        print("| ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
        seconds = {
            (count, workers): print_row(folder, features, count, workers, alone)
            for count in heads
            for workers in WORKERS
        }
    most = max(heads)
    efficiency = seconds[most, 1] / seconds[most, 2] / 2
    print(f"\nEfficiency of two workers at {most} heads: {efficiency:.2f}")


def print_row(folder: str, features: Dataset, heads: int, workers: int, alone: float) -> float:
    """Time so many heads on so many workers, print a line, and give the seconds."""
    nobody = Store(Path(folder)).add_array("held-out", np.zeros(features.train.labels.shape, bool))
    whole = Group(trials=trials(heads), features=features, held_out=nobody, training=TRAINING)
    groups = list(whole.batches())
    started = time.perf_counter()
    with peak_memory() as peak:
        results = [
            result
            for found in run_on_processes(partial(train_group, folder, True), groups, workers)
            for result in found
        ]
    seconds = time.perf_counter() - started
    assert len(results) == heads
    each = seconds / heads
    row = (heads, workers, f"{seconds:.1f}", f"{each:.2f}", f"{alone / each:.2f}", f"{peak[0]:.0f}")
    print(f"| {' | '.join(map(str, row))} |", flush=True)
    return seconds


def trials(heads: int) -> tuple[Trial, ...]:
    """The first so many two-node heads: all pairs from one seed, then from the next."""
    every = [
        Trial(recipe="notebook", classes=pair, head="two-node", seed=seed)
        for seed in range(10)
        for pair in combinations(range(10), 2)
    ]
    return tuple(every[:heads])


def extract(folder: str) -> Dataset:
    """Features of all images, stored."""
    store = Store(Path(folder))
    images = read_source(find_source(os.environ.get("TRANSFER_DATASET", "auto"), 0))
    backbone = build_backbone((28, 28, 1), RECIPES["tuned"].scaling, RECIPES["notebook"].base, 0)

    def split(name: str, pixels: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Split:
        found = run(backbone, pixels[..., None])
        return Split(inputs=store.add_array(name, found), labels=store.add_array(name, labels))

    return Dataset(
        train=split("train", images.train_images, images.train_labels),
        test=split("test", images.test_images, images.test_labels),
    )


def seconds_alone(folder: str, features: Dataset) -> float:
    """Median seconds of one head after another on 0 and 1, compiled once."""
    store = Store(Path(folder))
    rows, labels = select_classes(np.asarray(store.array(features.train.labels)), (0, 1))
    inputs, targets = store.array(features.train.inputs)[rows], encode(labels, 2)
    model = build_head(softmax_head(2), inputs.shape[1], TRAINING)
    compiled = Compiled(model, inputs, targets, TRAINING)
    tensors = as_tensors(inputs, targets)
    found = []
    for seed in range(ALONE):
        started = time.perf_counter()
        fit(compiled.start(seed, len(inputs)), *tensors, seed)
        found.append(time.perf_counter() - started)
    return median(found)


if __name__ == "__main__":
    main()
