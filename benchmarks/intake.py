"""How well batches are checked before they are trained on.

    TRANSFER_DATASET=/path/to/mnist python -m benchmarks.intake

Trains a champion on the training images, with every second test image to test on; the others,
which it has never seen, are delivered in random batches: with wrong labels, turned, permuted,
shifted, and as they are. Prints what is set aside of them.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import print_machine
from flows.config import RetrainConfig
from flows.retrain import retrain
from tasks.arrivals.arrivals import is_too_much
from tasks.arrivals.known import Known
from tasks.collect import champions_view
from tasks.data.near import near_duplicates
from tasks.data.read import find_source, read_source
from tasks.registry.registry import Registry
from tasks.reporting.experiment.analysis import Predictions, find_doubts, find_hardest
from tasks.schemas.images import LabelledImages, Preparation
from tasks.schemas.references import Dataset, Split
from tasks.statistics.estimates import exact_interval
from tasks.storage.store import Store

Pixels: TypeAlias = NDArray[np.uint8]

BATCH = 500
WRONG = (0, 0.03, 0.1, 0.2, 1)  # shares of labels
SIZES = (20, 50, 500)
PLANTED = 15  # wrong labels
ORDER = np.random.default_rng(1).permutation(28 * 28)
NOISE = np.random.default_rng(2).integers(-3, 4, (28, 28))
KINDS: dict[str, Callable[[Pixels], Pixels]] = {
    "as they are": lambda x: x,
    "turned by 90 degrees": lambda x: np.rot90(x, axes=(1, 2)),
    "transposed": lambda x: x.transpose(0, 2, 1),
    "upside down": lambda x: x[:, ::-1],
    "turned by 180 degrees": lambda x: x[:, ::-1, ::-1],
    "pixels permuted": lambda x: x.reshape(len(x), -1)[:, ORDER].reshape(x.shape),
    "shifted by 3 pixels": lambda x: np.roll(x, 3, axis=2),
}
COPIES: dict[str, Callable[[Pixels], Pixels]] = {
    "the same": lambda x: x,
    "shifted by a pixel": lambda x: np.roll(x, 1, axis=2),
    "shifted by a pixel both ways": lambda x: np.roll(x, (1, -1), axis=(1, 2)),
    "3 grey levels of noise": lambda x: np.clip(x + NOISE, 0, 255).astype(np.uint8),
    "one pixel changed": lambda x: np.concatenate([x[:, :1] ^ 1, x[:, 1:]], axis=1),
}


def make_champion(images: dict[str, NDArray[Any]], folder: Path) -> Known:
    """A champion of the images in a folder, and what batches are held against."""
    np.savez(folder / "data.npz", allow_pickle=False, **images)
    (folder / "inbox").mkdir(exist_ok=True)
    places = {"artifacts": folder / "artifacts", "inbox": str(folder / "inbox")}
    config = RetrainConfig(dataset=str(folder / "data.npz"), **places)
    retrain(config)
    store = Store.at(config.artifacts)
    classes = tuple(range(10))
    splits = {
        name: Split(
            inputs=store.add_array(f"x-{name}", images[f"x_{name}"]),
            labels=store.add_array(f"y-{name}", images[f"y_{name}"]),
        )
        for name in ("train", "test")
    }
    preparation = Preparation(height=28, width=28, channels=1)
    data = LabelledImages(images=Dataset(**splits), classes=classes, preparation=preparation)
    registry = Registry(store, None, "two-node-0-1")
    return Known(data, (), store, champions_view(registry), 0)


def try_labels(known: Known, images: Pixels, labels: NDArray[Any], draws: int) -> Iterator[str]:
    """A row of a table for each share of wrong labels."""
    seen = known.look(images)
    for share in WRONG:
        quarantined, found, doubted, wrong = 0, 0, 0, 0
        for draw in range(draws):
            rng = np.random.default_rng(draw)
            rows = rng.choice(len(labels), BATCH, replace=False)
            is_wrong = np.arange(BATCH) < share * BATCH
            given = (labels[rows] + is_wrong * rng.integers(1, 10, BATCH)) % 10
            shown = type(seen)(seen.similarity[rows], seen.probabilities[rows])
            in_doubt = known.is_doubted(shown, given)
            quarantined += is_too_much(int(in_doubt.sum()), BATCH)
            found, doubted = found + (in_doubt & is_wrong).sum(), doubted + in_doubt.sum()
            wrong += is_wrong.sum()
        recall = f"{found / wrong:.3f}" if wrong else ""
        precision = f"{found / doubted:.3f}" if wrong else ""
        aside = doubted / draws
        yield f"| {share:.0%} | {quarantined} of {draws} | {aside:.1f} | {recall} | {precision} |"


def try_drift(known: Known, images: Pixels, labels: NDArray[Any], draws: int) -> Iterator[str]:
    """A row of a table for each kind of image: in how many draws it is found to have drifted."""
    for kind, change in KINDS.items():
        changed = np.ascontiguousarray(change(images))
        seen, cells = known.look(changed), []
        for size in SIZES:
            caught, count = 0, draws * (10 if kind == "as they are" else 1)
            for draw in range(count):
                rows = np.random.default_rng(draw).choice(len(labels), size, replace=False)
                shown = type(seen)(seen.similarity[rows], seen.probabilities[rows])
                caught += known.find_drift(changed[rows], labels[rows], shown) != ""
            low, high = exact_interval(caught, count)
            cells.append(f"{100 * caught / count:.1f} ({100 * low:.1f} to {100 * high:.1f})")
        yield f"| {kind} | {' | '.join(cells)} |"


def try_copies(images: Pixels, others: Pixels) -> Iterator[str]:
    """A row of a table for each kind of near duplicate, and one for images that are none."""
    for kind, change in COPIES.items():
        found = near_duplicates(change(images).copy(), images)
        yield f"| {kind} | {len(images):,} | {(found == np.arange(len(images))).mean():.2%} |"
    found = near_duplicates(others, images)
    yield f"| other images | {len(others):,} | {(found >= 0).mean():.2%} |"


def try_planted(folder: Path, labels: NDArray[Any], draws: int) -> Iterator[str]:
    """A row of a table for wrong labels planted among the published test images, and for none."""
    (path,) = folder.glob("artifacts/arrays/base-probabilities-*.npy")
    probabilities, rows = np.load(path), np.arange(len(labels))
    for planted in (0, PLANTED):
        listed, in_doubt = [], []
        for draw in range(draws):
            rng = np.random.default_rng(draw)
            wrong = rng.choice(len(labels), planted, replace=False)
            given = labels.astype(int)
            given[wrong] = (given[wrong] + rng.integers(1, 10, planted)) % 10
            model = Predictions("tuned", "base", probabilities, given, rows, tuple(range(10)))
            listed.append(len({row["image"] for row in find_hardest(model)} & set(wrong)))
            in_doubt.append((find_doubts(model)[wrong].sum(), find_doubts(model).sum()))
        least, mean = np.min(in_doubt, axis=0)[0], np.mean(in_doubt, axis=0)[1]
        yield f"| {planted} | {min(listed)} | {least} | {mean:.1f} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default=os.environ.get("TRANSFER_DATASET", "auto"))
    parser.add_argument("--draws", type=int, default=50)
    told = parser.parse_args(arguments)
    data = read_source(find_source(told.dataset, 0))
    # every second one, as MNIST has the test images of easy writers first
    images = {
        "x_train": data.train_images,
        "y_train": data.train_labels,
        "x_test": data.test_images[::2],
        "y_test": data.test_labels[::2],
    }
    new, labels = data.test_images[1::2], data.test_labels[1::2].astype(int)
    with TemporaryDirectory() as folder:
        known = make_champion(images, Path(folder))
        print_machine()
        print("| wrong labels | quarantined | in doubt, mean | recall | precision |")
        print("\n".join(try_labels(known, new, labels, told.draws)))
        print(f"| images | {' | '.join(f'{size} drift, %' for size in SIZES)} |")
        print("\n".join(try_drift(known, new, labels, 2 * told.draws)))
        print("| planted | least among those shown | least in doubt | in doubt in all, mean |")
        print("\n".join(try_planted(Path(folder), images["y_test"], told.draws)))
        print("| copies | images | found |")
        print("\n".join(try_copies(new[:1000], data.train_images)))


if __name__ == "__main__":
    main()
