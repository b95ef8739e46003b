"""How the artifacts grow in a year of nightly retrainings that keep ten runs.

    python -m benchmarks.year --nights 365

Each night a small batch arrives, the real flow retrains on all of them, and the newer model goes
into use. Trainings are as short as they can be, and what is registered is not asked in a process of
its own. Printed are the bytes of the artifacts, of the batches among them, and of the rest, beside
the rest after so many nights as are kept. Then the champion is taken back ten times, and the last
night comes once more, in which nothing is left to do.
"""

import argparse
import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np

from benchmarks.machine import print_machine
from flows.config import RetrainConfig
from flows.retrain import retrain
from tasks.arrivals.batch import read_notes
from tasks.data.digits import make_digits
from tasks.registry.registry import Registry
from tasks.storage.store import Store

KEEP, BATCH = 10, 12  # nights, images
SHOWN = (10, 30, 90, 180, 365)


def size(paths: object) -> float:
    """Megabytes of files."""
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6  # type: ignore[attr-defined]


def of_batches(store: Store) -> float:
    """Megabytes of the batches."""
    return size({store.root / file.path for note in read_notes(store) for file in note.files()})


def night(config: RetrainConfig, number: int) -> str:
    """A batch arrives, and is retrained on; the name of the state in which that ends."""
    digits = make_digits(number + 1)
    rows = np.random.default_rng(number).permutation(len(digits.train_images))[:BATCH]
    images, labels = digits.train_images[rows], digits.train_labels[rows]
    np.savez(Path(config.inbox) / f"{number}.npz", images=images, labels=labels)
    return retrain(config).name


def main() -> None:
    """Go through the nights, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nights", type=int, default=365)
    nights = parser.parse_args().nights
    logging.disable()
    print_machine()
    with TemporaryDirectory() as place, patch("tasks.challenge.find_flaw", lambda *told: ""):
        go_through(Path(place), nights)


def go_through(folder: Path, nights: int) -> None:
    """The nights in a folder."""
    digits = make_digits(0)
    images, labels = digits.train_images[:400], digits.train_labels[:400]
    np.savez(folder / "small.npz", x_train=images, y_train=labels)
    (folder / "inbox").mkdir()
    short = {"recipes": ("fast",), "base_epochs": 15, "head_epochs": 1, "folds": 0, "settle": 0}
    config = RetrainConfig.model_validate(
        {"dataset": str(folder / "small.npz"), "inbox": str(folder / "inbox"), "model": "base"}
        | {"artifacts": str(folder / "artifacts"), "prefer": "newer", "keep": KEEP}
        | short
    )
    store, after_few = Store(folder / "artifacts"), 0.0
    print("| nights | artifacts, MB | batches, MB | the rest, MB | after 10 nights = 1 |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for number in range(1, nights + 1):
        night(config, number)
        if number in (*SHOWN, nights):
            whole, batches = size(store.root.rglob("*")), of_batches(store)
            after_few = after_few or whole - batches
            ratio = (whole - batches) / after_few
            print(
                f"| {number} | {whole:.1f} | {batches:.1f} | {whole - batches:.1f} | {ratio:.2f} |",
                flush=True,
            )
    again = retrain(config).name
    registry = Registry(store, None, config.registered_name)
    back = [registry.rollback()[1] for _ in range(KEEP)]
    left = sum(registry.model_path(version).is_file() for version in back)
    print(f"\nThe last night again is {again}; {left} of {KEEP} rollbacks found their model whole.")


if __name__ == "__main__":
    main()
