"""What models know of themselves that were trained on few images, with folds and without.

    TRANSFER_DATASET=... python -m benchmarks.few --images 15 50 150 --draws 3

For each draw of so many images a class, two runs of the experiment by the tuned recipe: calibration
error and log loss on the test images, and what is refused of own images and of noise.
"""

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.machine import print_machine
from flows.config import Config
from flows.main import main as run
from flows.run import server_is_set
from flows.terminal import stage_lines
from tasks.data.read import find_source, read_source
from tasks.data.source import Images

HEADER = "| images a class | folds | model | calibration error | log loss | own refused | noise |"


def main() -> None:
    """Print the table: means over the draws."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", default=os.environ.get("TRANSFER_DATASET", "mnist"))
    parser.add_argument("--images", type=int, nargs="+", default=[15, 50, 150])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--folds", type=int, default=3)
    told = parser.parse_args()
    print_machine()
    data = read_source(find_source(told.dataset, 0))
    print(f"{HEADER}\n|{' ---: |' * 7}", flush=True)
    for images in told.images:
        found = [dict(measure(data, images, draw, told.folds)) for draw in range(told.draws)]
        for folds, model in found[0]:
            mean = np.mean([one[folds, model] for one in found], axis=0)
            shares = [f"{100 * mean[0]:.2f} %", f"{mean[1]:.4f}"]
            shares += [f"{100 * one:.2f} %" for one in mean[2:]]
            print(f"| {images} | {folds} | {model} | {' | '.join(shares)} |", flush=True)


def measure(
    data: Images, images: int, draw: int, folds: int
) -> Iterator[tuple[tuple[int, str], list[float]]]:
    """Of a draw, what each model measured: by the number of folds, and by model."""
    with TemporaryDirectory() as folder:
        path, rng = Path(folder) / "few.npz", np.random.default_rng(draw)
        rows = [
            rng.choice(np.flatnonzero(data.train_labels == label), images, replace=False)
            for label in np.unique(data.train_labels)
        ]
        chosen = np.concatenate(rows)
        x_train, y_train = data.train_images[chosen], data.train_labels[chosen]
        np.savez(path, x_train=x_train, y_train=y_train, x_test=data.test_images,
                 y_test=data.test_labels)  # fmt: skip
        for count in (0, folds):
            config = Config(dataset=str(path), recipes=("tuned",), folds=count,
                            artifacts=folder, label_efficiency=False)  # fmt: skip
            with stage_lines(server_is_set()):
                report: Path = run(config)
            metrics = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
            for one, refusal in zip(metrics["models"], metrics["refusals"], strict=True):
                yield (count, one["model"]), [*calibration_of(one), *refused_of(refusal)]


def calibration_of(model: dict[str, Any]) -> tuple[float, float]:
    """Calibration error and log loss of a model."""
    return model["calibration_error"], model["log_loss"]


def refused_of(refusal: dict[str, Any]) -> tuple[float, float]:
    """Which shares of own images and of noise a model refuses."""
    kinds = {kind["kind"]: kind["refused"] / kind["n"] for kind in refusal["kinds"]}
    return kinds["own"], kinds["noise"]


if __name__ == "__main__":
    main()
