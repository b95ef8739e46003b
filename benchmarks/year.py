"""How the artifacts grow in a year of nightly retrainings that keep ten runs.

    python -m benchmarks.year --days 365

Every fifth night 20 of scikit-learn's digits arrive, 8 x 8 pixels; each night the real flow looks,
retrains on all that came if there is something new, and the newer model goes into use. Trainings
are short, and MLflow is not asked for what wins in a process of its own; all else is as it is.
Printed are the bytes of the artifacts beside those of what has to be kept: the records that the
last ten trainings used with all that they name, the last ten reports, the files of the champion,
its last ten predecessors, the first one and the last challenger, and all batches. Then the champion
is taken back ten times, and the last night comes once more, in which nothing is left to do.
"""

import argparse
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
from sklearn.datasets import load_digits

from benchmarks.machine import print_machine
from flows.config import RetrainConfig
from flows.retrain import retrain
from tasks.arrivals.batch import read_notes
from tasks.networks.export import PortableModel
from tasks.registry.connection import files
from tasks.registry.registry import Registry
from tasks.reporting.folder import find_reports
from tasks.storage.records import read_unchecked
from tasks.storage.store import Store

KEEP, PUBLISHED, BATCH = 10, 330, 20  # runs, images, images
EVERY = 5  # so many nights a batch arrives
SHOWN = (30, 90, 180, 365)
SHORT = {"recipes": ("fast",), "base_epochs": 12, "head_epochs": 1, "folds": 0, "settle": 0}
TOLD = {"model": "base", "prefer": "newer", "keep": KEEP}


def deliveries(folder: Path) -> Iterator[None]:
    """Write a data set, and with each step a batch to the inbox."""
    images, labels = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(images))
    pixels, labels = (images.reshape(-1, 8, 8) * 15).astype(np.uint8)[rows], labels[rows]
    np.savez(folder / "small.npz", x_train=pixels[:PUBLISHED], y_train=labels[:PUBLISHED])
    (folder / "inbox").mkdir()
    for first in range(PUBLISHED, len(pixels), BATCH):
        some = slice(first, first + BATCH)
        np.savez(folder / "inbox" / f"{first}.npz", images=pixels[some], labels=labels[some])
        yield


def megabytes(paths: Iterable[Path]) -> float:
    """Of files, and of all in folders, each once."""
    every = {file for path in paths for file in (path, *path.rglob("*")) if file.is_file()}
    return sum(file.stat().st_size for file in every if not file.is_symlink()) / 1e6


def of_batches(store: Store) -> Iterator[Path]:
    """The files of the batches."""
    yield store.root / "batches"
    yield from (store.root / file.path for note in read_notes(store) for file in note.files())


def of_runs(store: Store, registry: Registry, since: float) -> Iterator[Path]:
    """What the runs since a `time.time` used, and the models that a rollback may need."""
    records = (store.root / "records").iterdir()
    for record in (path for path in records if path.stat().st_mtime >= since):
        yield record
        yield from (
            store.root / file.path for file in read_unchecked(store, record.name)[0].files()
        )
    yield from (report for _, report in find_reports(store)[-KEEP:])
    champion, challenger = registry.champion(), registry.challenger()
    assert champion
    assert challenger
    past = champion.predecessors
    for number in {champion.number, challenger.number, *past[:1], *past[-KEEP:]}:
        yield files(store) / registry._version(number).run_id


def go_through(folder: Path, days: int) -> None:
    """The nights in a folder, of which the table tells."""
    arriving, began, ends = deliveries(folder), list[float](), Counter[str]()
    places = {"dataset": folder / "small.npz", "inbox": folder / "inbox"}
    told = {name: str(place) for name, place in places.items()} | SHORT | TOLD
    store = Store(folder / "artifacts")
    for day in range(1, days + 1):
        if day % EVERY == 1:
            next(arriving)
            began.append(time.time())
        config = RetrainConfig.model_validate(told | {"artifacts": str(store.root)})
        ends[retrain(config).name] += 1
        registry = Registry(store, None, config.registered_name)
        if day in (*SHOWN, days):
            batches = megabytes(of_batches(store))
            needed = megabytes({*of_batches(store), *of_runs(store, registry, began[-KEEP:][0])})
            print_row(day, len(began), megabytes([store.root]), needed - batches, batches)
    print(f"\nThe nights ended so: {dict(ends)}.")
    print_end(store, registry, config)


def print_row(day: int, trainings: int, every: float, runs: float, batches: float) -> None:
    """A line of the table."""
    sizes = f"{every:.1f} | {runs:.1f} | {batches:.2f} | {every / (runs + batches):.2f}"
    print(f"| {day} | {trainings} | {sizes} |", flush=True)


def print_end(store: Store, registry: Registry, config: RetrainConfig) -> None:
    """What comes of ten rollbacks, and of the last night once more."""
    images, labels = load_digits(return_X_y=True)
    pixels, right = (images.reshape(-1, 8, 8, 1) * 15).astype(np.uint8), list[float]()
    champion = registry.champion()
    assert champion
    for _ in champion.predecessors[-KEEP:]:
        _, version = registry.rollback()
        probabilities, _ = PortableModel(registry.model_path(version)).answer(pixels)
        right.append(float((probabilities.argmax(axis=1) == labels).mean()))
    print(f"{len(right)} rollbacks: each model is right on {min(right):.1%} of all digits or more.")
    print(f"The last night once more is {retrain(config).name}.")


def main() -> None:
    """Go through the nights, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=365)
    days = parser.parse_args().days
    logging.disable()
    print_machine()
    print(
        "| day | trainings | artifacts, MB | runs and models, MB | batches, MB | artifacts / both |"
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    with TemporaryDirectory() as place, patch("tasks.challenge.find_flaw", lambda *told: ""):
        go_through(Path(place), days)


if __name__ == "__main__":
    main()
