"""How often a study's report claims that heads differ where they do not.

    python -m benchmarks.study_claims

Simulates studies of pairs in which two output nodes and one are equally good, and studies in which
one node makes more errors: test images differ in how hard they are, alike for both heads and all
seeds. The report's own functions compare the heads. Prints the share of reports that claim a
difference over all pairs or on one of them, with its exact 95 % interval.
"""

import argparse
from itertools import combinations

import numpy as np
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
ATTEMPTS = (Attempt(seed=0, history=History(), outcome=LEARNED),)
HEADS = (softmax_head(2).name, ONE_NODE.name)


def simulate(images: int, seeds: int, behind: float, rng: np.random.Generator) -> bool:
    """Whether a study claims a difference, by two recipes and with so many images a class.

    One node is `behind` in the logit of its chance to be right.
    """
    labels = np.repeat(np.arange(CLASSES), images)
    results = []
    for recipe in ("notebook", "tuned"):
        for pair in combinations(range(CLASSES), 2):
            truth = np.isin(labels[np.isin(labels, pair)], pair[1:])
            ease = rng.normal(4, 2, len(truth))
            for head in HEADS:
                chances = expit(ease - behind * (head == ONE_NODE.name))
                for seed in range(seeds):
                    second = (rng.random(len(truth)) < chances) == truth
                    probabilities = np.stack([~second, second], axis=1).astype(np.float32)
                    trial = Trial(recipe=recipe, classes=pair, head=head, seed=seed)
                    results.append(TrialResult(trial, ATTEMPTS, "", probabilities))
    rows = compare_heads(compare_pairs(score_trials(results, labels, range(CLASSES))))
    return any(row["adjusted"] < SIGNIFICANT or row["different"] > 0 for row in rows)


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=400, help="of each kind")
    told = parser.parse_args()
    print_machine()
    print("| one node | images a class | seeds | reports that claim a difference, % |")
    print("| --- | ---: | ---: | ---: |")
    for behind, name in ((0.0, "equal"), (0.1, "behind")):
        for images, seeds in ((100, 1), (100, 5), (1_000, 1), (1_000, 5)):
            rng = np.random.default_rng([images, seeds])
            n = sum(simulate(images, seeds, behind, rng) for _ in range(told.studies))
            low, high = exact_interval(n, told.studies)
            share = f"{100 * n / told.studies:.1f} ({100 * low:.1f} to {100 * high:.1f})"
            print(f"| {name} | {images:,} | {seeds} | {share} |", flush=True)


if __name__ == "__main__":
    main()
