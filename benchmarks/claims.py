"""How often a report claims that transfer helps or harms where it does neither.

    python -m benchmarks.claims

Simulates the hits of every approach in a report: each has a chance to be right on a test image,
which depends on the image, on the labelled images that were drawn, on the number of them, and on
itself. Two approaches are equal where nothing depends on which of them it is. The report's own
functions say what may be claimed; a claim is false if it holds of a number of labels at which the
two are equal, or the other way round. Prints the share of reports with a false claim, and of those
that claim what is true, with exact 95 % intervals.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from benchmarks.machine import print_machine
from tasks.label_efficiency import DRAWS
from tasks.networks.approaches import APPROACHES
from tasks.reporting.experiment.benefit import (
    BASE,
    RIVALS,
    TRANSFERS,
    Claims,
    describe_label_efficiency,
    find_claims,
)
from tasks.schemas.references import ArrayReference
from tasks.schemas.results import LabelEfficiency
from tasks.statistics.estimates import exact_interval

IMAGES = (2, 10, 40, 200, 5_000)
EASE = 3.0  # the logit of the accuracy, where an approach is not ahead
REFERENCE = ArrayReference(path="", sha256="", shape=(1,), dtype="bool")

Ahead: TypeAlias = tuple[float, ...]  # logits of accuracy, at each number of labelled images
NOWHERE, EVERYWHERE = (0.0,) * len(IMAGES), (2.0,) * len(IMAGES)
UP_TO_40 = tuple(2.0 if n <= 40 else 0.0 for n in IMAGES)
FROM_200 = tuple(2.0 if n >= 200 else 0.0 for n in IMAGES)


@dataclass(frozen=True)
class World:
    """How approaches differ, and by how much hits vary: standard deviations of their logits."""

    name: str
    ahead: Mapping[str, Ahead] = field(default_factory=dict)
    by_draw: float = 0.8  # over draws of labelled images, all approaches alike
    by_training: float = 0.4  # over draws, each approach by itself
    by_image: float = 1.5  # over test images, all approaches alike, and half of it each by itself
    images: int = 1_000  # to test on


WORLDS = (
    World("equal"),
    World("equal, draws are alike", by_draw=0.1, by_training=0.0),
    World("equal, draws differ much", by_draw=2.0, by_training=0.8),
    World("equal, images are alike", by_image=0.0),
    World("equal, 72 test images", images=72),
    World("equal, 10,000 test images", images=10_000),
    World("transfers ahead up to 40", {"frozen": UP_TO_40, "fine-tuned": UP_TO_40}),
    World("fine-tuned ahead up to 40", {"fine-tuned": UP_TO_40}),
    World("transfers ahead from 200", {"frozen": FROM_200, "fine-tuned": FROM_200}),
    World("transfers ahead", {"frozen": EVERYWHERE, "fine-tuned": EVERYWHERE}),
    World("scratch ahead from 200", {"scratch": FROM_200}),
    World("base alone ahead", {"base alone": EVERYWHERE}),
)


@lru_cache(None)
def centre(accuracy: float, spread: float) -> float:
    """The mean of normal logits with this standard deviation whose images are right so often."""
    points, weights = np.polynomial.hermite_e.hermegauss(60)

    def excess(mean: float) -> float:
        return float(weights @ expit(mean + spread * points) / weights.sum()) - accuracy

    return float(brentq(excess, -50, 50))


def simulate(world: World, rng: np.random.Generator) -> Claims:
    """What the report of one experiment in a world claims."""
    size = len(IMAGES), DRAWS, world.images
    by_image = rng.normal(0, world.by_image, world.images)
    spread = np.array([world.by_draw] * (len(IMAGES) - 1) + [0])  # all labels are the same labels
    by_draw = rng.normal(0, spread[:, None, None], (len(IMAGES), DRAWS, 1))
    spread = np.hypot(spread, np.hypot(world.by_training, world.by_image * np.hypot(1, 0.5)))
    hits = []
    for name in APPROACHES:
        # the base is one model, neither better nor worse than others on average over images
        trained = (*size[:2], 1) if name != BASE else size
        own = rng.normal(0, world.by_training, trained)
        own = own + rng.normal(0, world.by_image / 2, world.images) + by_image
        accuracies = expit(EASE + np.array(world.ahead.get(name, NOWHERE)))
        middle = np.array(list(map(centre, accuracies, spread)))[:, None, None]
        found = rng.random(size) < expit(middle + by_draw + own)
        hits.append(found if name != BASE else np.broadcast_to(found[-1, 0], size))
    pairs = zip(APPROACHES, hits, strict=True)
    rows = [LabelEfficiency(approach=name, images=IMAGES, hits=REFERENCE) for name, _ in pairs]
    found = describe_label_efficiency("tuned", rows, hits)["approaches"]
    return find_claims({row["approach"]: row["behind"] for row in found if row["behind"]})


def judge(world: World, claims: Claims) -> tuple[bool, bool]:
    """Whether any claim is false, and whether there is one that is true."""
    ahead = {str(name): np.array(world.ahead.get(name, NOWHERE)) for name in APPROACHES}
    best = np.max([ahead[one] for one in TRANSFERS], axis=0)
    rivals = np.max([ahead[one] for one in RIVALS], axis=0)
    made = [(ahead[one] > rivals)[:n] for one, n in claims.helped.items()]
    made += [(ahead[one] > rivals)[len(IMAGES) - n :] for one, n in claims.helped_from.items()]
    made += [(ahead[one] > best)[len(IMAGES) - n :] for one, n in claims.harmed.items()]
    made += [(ahead[BASE] > best)[: claims.best_alone]]
    made += [(ahead[one] > ahead[BASE])[-1:] for one, n in claims.beyond_base.items() if n]
    return any(not one.all() for one in made), any(one.size and one.all() for one in made)


def print_row(world: World, judged: Sequence[tuple[bool, bool]]) -> None:
    """A line of the table."""
    cells = [world.name]
    for which in zip(*judged, strict=True):
        low, high = exact_interval(sum(which), len(which))
        cells.append(f"{100 * np.mean(which):.1f} ({100 * low:.1f} to {100 * high:.1f})")
    print("|", " | ".join(cells), "|", flush=True)


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--reports", type=int, default=1_000, help="of each world")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print_machine()
    print("| world | reports with a false claim, % | with a true one, % |\n| --- | ---: | ---: |")
    for number, world in enumerate(WORLDS):
        rng = np.random.default_rng([asked.seed, number])
        print_row(world, [judge(world, simulate(world, rng)) for _ in range(asked.reports)])


if __name__ == "__main__":
    main()
