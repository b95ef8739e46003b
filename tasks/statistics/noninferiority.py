"""Whether a classifier may be worse than another on the same images, by more than a margin.

Both are judged on n images. `b` is how many only the reference gets right, `c` how many only the
candidate does; both are 0 or more, with b + c at most n. `margin` (above 0, below 1) is the loss of
accuracy that would be too much.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNIFICANCE = 0.05
GRID = 200
NEGLIGIBLE = 1e-15  # chance of the totals that are left out


def noninferiority_p_value(b: int, c: int, n: int, margin: float) -> float:
    """The largest chance (0..1) of a result this good if the candidate loses `margin` or more.

    The exact unconditional test of Hsueh, Liu and Chen, Unconditional exact tests for equivalence
    or noninferiority for paired binary endpoints, Biometrics 57 (2001): results are ordered by the
    score statistic, and the chance is the largest over all classifiers that lose the margin. They
    show that it is reached where exactly the margin is lost, which leaves one unknown, the share
    of images on which only one of both is right. It is searched on a grid, then refined.
    """
    from scipy.optimize import minimize_scalar

    most = _most_losses(n, margin, float(score(b, c, n, margin)))
    shares = margin + (1 - margin) * np.sin(np.linspace(0, np.pi / 2, GRID)) ** 2
    chances = [_chance(share, most, margin) for share in shares]
    best = int(np.argmax(chances))
    around = (shares[max(best - 1, 0)], shares[min(best + 1, GRID - 1)])
    refined = minimize_scalar(lambda x: -_chance(x, most, margin), bounds=around, method="bounded")
    return min(1.0, max(chances[best], float(-refined.fun)))


def images_needed(margin: float) -> int:
    """How many images show that less than `margin` is lost, if no image tells both apart.

    If the margin were lost, none of n images would be lost with the chance (1 - margin)^n.
    """
    return math.ceil(math.log(SIGNIFICANCE) / math.log1p(-margin))


def score(b: Any, c: Any, n: int, margin: float) -> Any:
    """The score statistic: how many standard errors the loss lies above the margin.

    Tango, Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design, Statistics in Medicine 17 (1998). `gained` is the maximum likelihood
    estimate of the share of images that only the candidate gets right, if the margin is lost.
    `b` and `c` are numbers, or (k,).
    """
    linear = (b + c) * (1 - margin) + 2 * b * margin - 2 * n * margin
    gained = (linear + np.sqrt(linear**2 + 8 * n * c * margin * (1 - margin))) / (4 * n)
    return (b - c - n * margin) / np.sqrt(n * (2 * gained + margin - margin**2))


def _most_losses(n: int, margin: float, limit: float) -> NDArray[np.int64]:
    """For each total b + c of 0..n the largest b whose score is within `limit`; -1 for none.

    Given the total the score grows with b, so the end is found by bisection, (n + 1,).
    """
    totals = np.arange(n + 1)
    low, high = np.full(n + 1, -1), totals
    while (low < high).any():
        middle = (low + high + 1) // 2
        within = (middle < 0) | (score(middle, totals - middle, n, margin) <= limit + 1e-9)
        low, high = np.where(within, middle, low), np.where(within, high, middle - 1)
    return low


def _chance(share: float, most: NDArray[np.int64], margin: float) -> float:
    """The chance of b <= most[b + c], where only one of both is right on `share` of the images."""
    from scipy.stats import binom

    n = len(most) - 1
    first, last = binom.ppf([NEGLIGIBLE, 1 - NEGLIGIBLE], n, share).astype(int)
    totals = np.arange(max(first, 0), last + 1)
    lost = (share + margin) / (2 * share)
    return float(binom.pmf(totals, n, share) @ binom.cdf(most[totals], totals, lost))
