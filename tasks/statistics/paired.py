"""Paired comparisons, and their correction for many of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.schemas.references import Mask


class PairedCounts(NamedTuple):
    """How many images which of two classifiers got right, and what that says."""

    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float  # 0..1, the chance of as uneven a split of those, if both are equally good


def compare_paired(first: Mask, second: Mask) -> PairedCounts:
    """McNemar's exact test on hits (n,) of two classifiers on the same images.

    McNemar, Note on the sampling error of the difference between correlated proportions,
    Psychometrika 12 (1947); exact: a binomial test of the images on which only one was right.
    """
    from scipy.stats import binomtest

    counts = [int((one & two).sum()) for one in (first, ~first) for two in (second, ~second)]
    both, only_first, only_second, neither = counts
    different = only_first + only_second
    p_value = float(binomtest(only_first, different).pvalue) if different else 1.0
    return PairedCounts(both, only_first, only_second, neither, p_value)


class Difference(NamedTuple):
    """By how much the first of two is more accurate, -1..1, and the ends of its interval."""

    mean: float
    low: float
    high: float


def difference(first: Mask, second: Mask, tail: float = 0.025) -> Difference:
    """How much more accurate an approach is than another, from hits (draws, n) of both.

    Training draws and test images are random: the variance of the mean is what means of draws and
    of images vary by, less what is in both (Searle, Casella and McCulloch, Variance components,
    1992; Satterthwaite's degrees of freedom, Biometrics Bulletin 2, 1946), as if two images more
    told both apart, one each way, for where few do (Agresti and Min, Statistics in Medicine 24,
    2005). Each end is passed by the true difference with a chance of at most `tail`.
    """
    from scipy.stats import t

    found = first.astype(np.float64) - second
    (draws, n), mean = found.shape, float(found.mean())
    by_draw, by_image = found.mean(axis=1), found.mean(axis=0)
    rest = found - by_draw[:, None] - by_image + mean
    parts = by_draw.var(ddof=1) / draws, (((by_image - mean) ** 2).sum() + 2) / n**2
    both = (rest**2).sum() / ((draws - 1) * (n - 1)) / (draws * n)
    variance = max(sum(parts) - both, *parts)
    degrees = sum(parts) ** 2 / (parts[0] ** 2 / (draws - 1) + parts[1] ** 2 / (n - 1))
    reach = float(t.isf(tail, degrees) * np.sqrt(variance))
    return Difference(mean, mean - reach, mean + reach)


def sign_test(better: Mask, worse: Mask) -> float:
    """The chance (0..1) of so many hits (n,) more of the better one, if both are equally good.

    McNemar's exact test, one-sided: of the images on which only one was right. 1 if there are none.
    """
    from scipy.stats import binom

    wins, losses = int((better & ~worse).sum()), int((worse & ~better).sum())
    return float(binom.sf(wins - 1, wins + losses, 0.5))


def sign_flip_p_value(differences: NDArray[np.int64]) -> float:
    """The chance (0..1) of a sum at least as far from 0 if every difference's sign were tossed for.

    The exact two-sided randomisation test (Fisher, The design of experiments, 1935, section 21;
    Pitman, Supplement to the Journal of the Royal Statistical Society 4, 1937). The differences
    are integers (n,), one for each unit; time and memory grow with their absolute sum.
    """
    sizes = np.abs(differences[differences != 0])
    chances = np.zeros(sizes.sum() + 1)  # of the sum of those sizes whose sign is a plus
    chances[0] = 1
    for size in sizes:
        chances[size:] += chances[:-size]
        chances /= 2
    sums = 2 * np.arange(len(chances)) - sizes.sum()
    return min(1.0, float(chances[np.abs(sums) >= abs(differences.sum())].sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values, each adjusted for all of them being looked at, in the same order.

    Holm, Scandinavian Journal of Statistics 6 (1979): however the tests depend on each other, the
    chance that any true hypothesis is rejected stays below the level. scipy has it not.
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return [float(p_value) for p_value in adjusted]
