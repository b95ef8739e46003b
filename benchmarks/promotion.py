"""How often retraining promotes a challenger, where it should and where it should not.

    python -m benchmarks.promotion

Simulates histories of retrainings: the hits of champion and challengers on the published test
images and on the held-out fifth of each batch, which are judged by the pipeline's own rule. Models
err on hard images, which are hard for all, and by chance. Prints the share of histories with a
promotion, with its exact 95 % interval; then that of histories in which a model becomes the first
champion, though each of fifty answers with classes at random.
"""

import argparse
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from benchmarks.machine import print_machine
from tasks.registry.decision import Bounds, Judged, decide
from tasks.statistics.estimates import chance_of_hits, exact_interval

CLASSES = 10
BATCH = 100  # held-out images of 500


@dataclass(frozen=True)
class History:
    """What retrainings meet: how often champion and challengers err, and what should happen."""

    name: str
    published: int
    retrainings: int
    champion: tuple[float, float]  # shares of published and of arriving images called wrong
    challenger: tuple[float, float]
    arrives: bool = True  # a batch with each retraining
    bounds: Bounds = field(default_factory=Bounds)


HISTORIES = (
    History("equally good, MNIST's 34 errors", 10_000, 50, (0.0034, 0.0034), (0.0034, 0.0034)),
    History("equally good, 5 % errors", 2_000, 50, (0.05, 0.05), (0.05, 0.05)),
    History("equally good, no batches", 2_000, 50, (0.05, 0.05), (0.05, 0.05), arrives=False),
    History("worse by the margin on all", 10_000, 50, (0.02, 0.02), (0.025, 0.025)),
    History("worse by the margin on what arrives", 10_000, 50, (0.02, 0.02), (0.02, 0.025)),
    History("a new kind, 5 % wrong", 10_000, 3, (0.0034, 0.05), (0.0034, 0.0)),
    History("a new kind, 25 % wrong", 10_000, 1, (0.0034, 0.25), (0.0034, 0.01)),
    History("30 % fewer of 34 errors", 10_000, 10, (0.0034, 0.0034), (0.0024, 0.0024)),
    History("30 % fewer of 500 errors", 10_000, 10, (0.05, 0.05), (0.035, 0.035)),
)

RETRAININGS = 50
# Test images, and the share of each class among them and among the answers.
KNOWING_NOTHING = (
    (60, (0.5, 0.5)),
    (600, (0.5, 0.5)),
    (600, (0.95, 0.05)),
    (600, (0.1,) * 10),
    (10_000, (0.1,) * 10),
)


def simulate(history: History, rng: np.random.Generator) -> bool:
    """Whether any retraining of a history promotes its challenger."""
    shares = [(history.champion[0], history.challenger[0])]
    difficulty, labels = (
        rng.random(history.published),
        rng.integers(CLASSES, size=history.published),
    )
    origin = np.zeros(history.published, int)
    for look in range(1, history.retrainings + 1):
        if history.arrives:
            shares.append((history.champion[1], history.challenger[1]))
            difficulty = np.append(difficulty, rng.random(BATCH))
            labels = np.append(labels, rng.integers(CLASSES, size=BATCH))
            origin = np.append(origin, np.full(BATCH, look))
        chances = np.array(shares)[origin]
        if look == 1:
            champion = wrong(difficulty, chances[:, 0], rng)
        elif history.arrives:
            champion = np.append(champion, wrong(difficulty[-BATCH:], chances[-BATCH:, 0], rng))
        challenger = wrong(difficulty, chances[:, 1], rng)
        models = [judged(one, labels) for one in (champion, challenger)]
        parts = {str(at): origin == at for at in range(len(shares))}
        if decide(models[:1], models[1], parts, history.bounds, look).promoted:
            return True
    return False


def simulate_first(images: int, shares: tuple[float, ...], rng: np.random.Generator) -> bool:
    """Whether any of fifty models that know nothing becomes the first champion."""
    classes = range(len(shares))
    labels = rng.choice(classes, images, p=shares)
    parts = {"published": np.ones(images, bool)}
    for number in range(1, RETRAININGS + 1):
        predicted = rng.choice(classes, images, p=shares)
        counts = confusion_matrix(labels, predicted, labels=classes)
        model = replace(judged(predicted != labels, labels), chance=chance_of_hits(counts))
        if decide([], model, parts, Bounds(), number).promoted:
            return True
    return False


def wrong(
    difficulty: NDArray[np.float64], shares: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which images a model calls wrong: half of its errors are on the hardest, half by chance."""
    return (difficulty < shares / 2) | (rng.random(len(shares)) < shares / 2 / (1 - shares / 2))


def judged(errors: NDArray[np.bool_], labels: NDArray[np.int64]) -> Judged:
    """A healthy model with these errors, which is as sure of each as it should be."""
    return Judged(True, ~errors, labels, np.where(errors, 3.0, 0.01), np.zeros(len(labels), bool))


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--histories", type=int, default=1_000, help="of each kind")
    told = parser.parse_args()
    print_machine()
    print("| challengers | published images | retrainings | histories with a promotion, % |")
    print("| --- | ---: | ---: | ---: |")
    for number, history in enumerate(HISTORIES):
        rng = np.random.default_rng(number)
        n = sum(simulate(history, rng) for _ in range(told.histories))
        low, high = exact_interval(n, told.histories)
        share = f"{100 * n / told.histories:.1f} ({100 * low:.1f} to {100 * high:.1f})"
        cells = [history.name, f"{history.published:,}", str(history.retrainings), share]
        print("|", " | ".join(cells), "|", flush=True)
    print("\n| test images | classes, shares | retrainings | histories with a first champion, % |")
    print("| ---: | --- | ---: | ---: |")
    for number, (images, shares) in enumerate(KNOWING_NOTHING):
        rng = np.random.default_rng(number)
        n = sum(simulate_first(images, shares, rng) for _ in range(told.histories))
        low, high = exact_interval(n, told.histories)
        rate = f"{100 * n / told.histories:.1f} ({100 * low:.1f} to {100 * high:.1f})"
        named = f"{len(shares)}, {shares[0]:.0%} to {shares[-1]:.0%}"
        print("|", " | ".join([f"{images:,}", named, str(RETRAININGS), rate]), "|", flush=True)


if __name__ == "__main__":
    main()
