"""What different scores refuse, each at the threshold that loses 1 % of held-out own images.

    TRANSFER_DATASET=... python -m benchmarks.refusal --classes 0,1 --without 7

The base is the tuned recipe's, on all classes but those of `--without`; heads are the tuned
recipe's, too. `ours` is what the pipeline does.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import print_machine
from flows.config import Config
from tasks.data.read import find_source, read_source
from tasks.data.source import Images
from tasks.extract_unknown import unknown_images
from tasks.hold_out import held_out_rows
from tasks.networks.architecture import build_base, build_head, softmax_head
from tasks.networks.epochs import derive_seed
from tasks.networks.inference import Model, run
from tasks.networks.recipe import Training
from tasks.networks.refusal import build_guard, score
from tasks.networks.training import Compiled, as_tensors, fit
from tasks.statistics.estimates import refusal_threshold

LOST = 0.01
Score = Callable[[NDArray[np.float32]], NDArray[np.floating]]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", default=os.environ.get("TRANSFER_DATASET", "digits"))
    parser.add_argument("--classes", default="0,1")
    parser.add_argument("--without", default="")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    own, without = ([int(c) for c in text.split(",") if c] for text in (told.classes, told.without))
    print_machine()
    data = read_source(find_source(told.dataset, told.seed))
    print_table(data, own, [c for c in range(10) if c not in without], told.seed)


def print_table(data: Images, own: Sequence[int], learned: Sequence[int], seed: int) -> None:
    """Train a base of the learned classes and a head of its own ones, and print a line a score."""
    images, labels = data.train_images[..., None], data.train_labels
    (mask,) = held_out_rows(images, labels, data.originals, data.copies)
    recipe = Config(recipes=("tuned",)).chosen_recipes()["tuned"]
    build = partial(build_base, images.shape[1:], len(learned), recipe.scaling)
    base = train(build, images, labels, mask, learned, recipe.base, seed, "base")
    backbone = base.get_layer("backbone")
    rows = np.flatnonzero(np.isin(labels, own))
    features, calibrating = run(backbone, images[rows]), mask[rows]
    build = partial(build_head, softmax_head(len(own)), features.shape[1])
    head = train(build, features, labels[rows], calibrating, own, recipe.head, seed, "two-node")
    scores = scores_of(base, head, own, learned, features[~calibrating], labels[rows][~calibrating])
    test = data.test_images[..., None]
    kinds = {"own": test[np.isin(data.test_labels, own)]}
    kinds |= dict(unknown_images(test, data.test_labels, own, learned))
    seen = {kind: run(backbone, some) for kind, some in kinds.items()}
    print(f"| score | {' | '.join(kinds)} |\n| --- |{' ---: |' * len(kinds)}", flush=True)
    for name, scored in scores.items():
        promise = refusal_threshold(scored(features[calibrating]), LOST)
        assert promise is not None, "too few images are held out"
        shares = [100 * float((scored(one) < promise.threshold).mean()) for one in seen.values()]
        print(f"| {name} | {' | '.join(f'{share:.2f}' for share in shares)} |", flush=True)


def train(
    build: Callable[..., Model],
    inputs: NDArray[Any],
    labels: NDArray[Any],
    mask: NDArray[np.bool_],
    classes: Sequence[int],
    training: Training,
    seed: int,
    name: str,
) -> Model:
    """One attempt on what is not held out, to its last epoch."""
    is_asked = np.isin(labels, classes)
    positions = np.searchsorted(np.sort(classes), np.where(is_asked, labels, classes[0]))
    targets = np.eye(len(classes), dtype=np.float32)[positions]
    compiled = Compiled(build(training=training), inputs, targets, training)
    rows, attempt = np.flatnonzero(is_asked & ~mask).astype(np.int32), derive_seed(seed, name, 0)
    fit(compiled.start(attempt, len(rows)), *as_tensors(inputs, targets), attempt, rows)
    return compiled.model


def scores_of(
    base: Model,
    head: Model,
    own: Sequence[int],
    learned: Sequence[int],
    features: NDArray[np.float32],
    labels: NDArray[Any],
) -> dict[str, Score]:
    """Each takes features (n, m) and gives scores (n,): the larger, the more like own images."""
    nodes = [list(learned).index(one) for one in own if one in learned]
    logits = partial(log_probabilities, base.layers[-1])
    similar = build_guard(base, (), features, labels)
    found: dict[str, Score] = {
        "largest probability of the head": lambda of: run(head, of).max(axis=1),
        "largest probability of the base": lambda of: logits(of).max(axis=1),
        "similarity to prototypes": lambda of: score(similar, of),
    }
    if len(nodes) == len(own):
        known = build_guard(base, nodes, features, labels)
        found |= {
            "the base's probability of the classes": lambda of: np.logaddexp.reduce(
                logits(of)[:, nodes], axis=1
            ),
            "largest logit of the classes": lambda of: score(known[1:], of),
            "ours: the lesser of both": lambda of: score(known, of),
        }
    return found


def log_probabilities(head: Model, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logarithms of a softmax, (n, k)."""
    return np.log(np.clip(run(head, features).astype(np.float64), 1e-38, None))


if __name__ == "__main__":
    main()
