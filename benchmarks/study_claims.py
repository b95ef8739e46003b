"""How often a study's report claims that heads differ where they do not, and where they do.

    python -m benchmarks.study_claims

Simulates studies of pairs by two recipes. Each head has a chance to be right on a test image, which
depends on how hard the image is for both heads and all seeds, and on how hard it is for this head
and all seeds; the latter by itself on each pair, or alike on all pairs that have the image. Two
output nodes and one are equally good, or one node is behind. The report's own functions compare
the heads. Prints the share of reports that claim a difference over all pairs, on one of them, or
either, with exact 95 % intervals.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from benchmarks.machine import print_machine
from tasks.networks.architecture import ONE_NODE, softmax_head
from tasks.reporting.page import SIGNIFICANT
from tasks.reporting.study.analysis import compare_heads, compare_pairs
from tasks.reporting.study.trials import score_trials
from tasks.schemas.training import LEARNED, Attempt, History
from tasks.statistics.estimates import exact_interval
from tasks.trials.trial import Trial, TrialResult

CLASSES = 6  # and so 15 pairs
RECIPES = ("notebook", "tuned")
ATTEMPTS = (Attempt(seed=0, history=History(), outcome=LEARNED),)
HEADS = (softmax_head(2).name, ONE_NODE.name)
SIZES = ((100, 1), (100, 5), (500, 5))  # images a class, seeds


@dataclass(frozen=True)
class World:
    """How heads differ: logits of the chance to be right, or standard deviations of them."""

    name: str
    behind: float = 0.0  # one node, on every image
    by_pair: float = 0.0  # each head by itself, on an image of a pair
    by_image: float = 0.0  # each head by itself, on an image of all pairs


EQUAL = (World("equal", by_pair=1.0), World("equal, alike on all pairs", by_image=1.0))
BEHIND = (World("behind by 0.1", 0.1, by_pair=1.0), World("behind by 0.3", 0.3, by_pair=1.0))


def simulate(world: World, images: int, seeds: int, rng: np.random.Generator) -> tuple[bool, bool]:
    """Whether a study claims a difference over all pairs, and on one; of so many images a class."""
    labels = np.repeat(np.arange(CLASSES), images)
    results = [
        TrialResult(
            trial=Trial(recipe=recipe, classes=pair, head=head, seed=seed),
            attempts=ATTEMPTS,
            weights_sha256="",
            probabilities=answers,
        )
        for recipe in RECIPES
        for pair, head, chances in _train(world, labels, rng)
        for seed in range(seeds)
        for answers in [_answer(np.isin(labels, pair), labels == pair[1], chances, rng)]
    ]
    scored = score_trials(results, labels, range(CLASSES))
    rows = compare_heads(compare_pairs(scored), scored)
    over_all = any(row["adjusted"] < SIGNIFICANT for row in rows)
    return over_all, any(row["different"] > 0 for row in rows)


def _train(
    world: World, labels: NDArray[np.intp], rng: np.random.Generator
) -> Iterator[tuple[tuple[int, int], str, NDArray[np.float64]]]:
    """Each pair and head, and its chances to be right on the pair's images, for all seeds."""
    own = {head: rng.normal(0, world.by_image, len(labels)) for head in HEADS}
    for pair in combinations(range(CLASSES), 2):
        rows = np.isin(labels, pair)
        ease = rng.normal(4, 2, rows.sum())
        for head in HEADS:
            logits = ease + own[head][rows] + rng.normal(0, world.by_pair, len(ease))
            yield pair, head, expit(logits - world.behind * (head == ONE_NODE.name))


def _answer(
    rows: NDArray[np.bool_],
    second: NDArray[np.bool_],
    chances: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    answers = (rng.random(len(chances)) < chances) == second[rows]
    return np.stack([~answers, answers], axis=1).astype(np.float32)


def print_claims(worlds: tuple[World, ...], studies: int) -> None:
    """One table: the shares of reports that claim a difference, in %."""
    print("| one node | images a class | seeds | over all pairs, % | on a pair, % | either, % |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for world in worlds:
        for images, seeds in SIZES:
            rng = np.random.default_rng([images, seeds])
            claims = np.array([simulate(world, images, seeds, rng) for _ in range(studies)])
            counts = [*claims.sum(axis=0).tolist(), int(claims.any(axis=1).sum())]
            shares = " | ".join(_percent(n, studies) for n in counts)
            print(f"| {world.name} | {images:,} | {seeds} | {shares} |", flush=True)
    print()


def _percent(n: int, studies: int) -> str:
    low, high = exact_interval(n, studies)
    return f"{100 * n / studies:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def main() -> None:
    """Simulate and print both tables: false claims, then true ones."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=500, help="of each kind, without difference")
    told = parser.parse_args()
    print_machine()
    print_claims(EQUAL, told.studies)
    print_claims(BEHIND, told.studies // 5)


if __name__ == "__main__":
    main()
