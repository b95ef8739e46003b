"""Exact intervals, the calibration error, and the threshold of refusal."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tasks.schemas.references import Mask
from tasks.schemas.results import Interval

CONFIDENCE = 0.95
BINS = 15


def exact_interval(hits: float, n: int, confidence: float = CONFIDENCE) -> Interval:
    """The exact interval, 95 % by default, of a share of which `hits` of `n` were seen.

    Clopper and Pearson, Biometrika 26 (1934). `hits`, 0..n or a ValueError, may be the mean of
    several models: the ends are quantiles of beta distributions, which need no whole number.
    """
    from scipy.stats import beta

    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits are not within 0 and {n}")
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits > 0 else 0.0
    high = float(beta.isf(tail, hits + 1, n - hits)) if hits < n else 1.0
    return Interval(low, high)


def chance_of_hits(confusion: ArrayLike) -> float:
    """The chance (0..1) of so many hits if predictions had nothing to do with the true classes.

    Of a confusion matrix (k, k): Fisher's exact test (The design of experiments, 1935); of more
    than two classes the binomial test of the share of hits that its margins would give.
    """
    from scipy.stats import binom, fisher_exact

    counts = np.asarray(confusion)
    if len(counts) == 2:
        return float(fisher_exact(counts, "greater").pvalue)
    n = counts.sum()
    share = counts.sum(axis=0) @ counts.sum(axis=1) / n**2
    return float(binom.sf(np.trace(counts) - 1, n, share))


def calibration_error(confidences: NDArray[np.floating], hits: Mask) -> float:
    """The expected calibration error (0..1): how far confidence and accuracy are apart.

    Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks (2017): the mean
    distance between confidence and accuracy in 15 bins of equal width, weighted by their images.
    The confidences (n,) are top probabilities, 0..1; hits (n,) where that class was the true one.
    """
    bins = np.clip(np.ceil(confidences * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=confidences - hits, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidences))


class Promise(NamedTuple):
    """A threshold, and whether it keeps its share with 95 % confidence, or on average."""

    threshold: float
    is_sure: bool


def refusal_threshold(
    scores: NDArray[np.floating], share: float, is_split: bool = True
) -> Promise | None:
    """The threshold below which at most a share (0..1) of a model's own images have their score.

    The scores (n,) are of own images that the model did not see. Split-conformal: it is the k-th
    smallest. The share below it of all such images is distributed as beta(k, n + 1 - k): k is as
    large as keeps it with 95 % confidence, of 1 % from n = 299 on, or else on average, from 99 on
    (Vovk, Conditional validity of inductive conformal predictors, 2012), or None. Where it is no
    split, but cross-fitting, it is kept on average (Vovk, Cross-conformal predictors, 2015).
    """
    from scipy.stats import beta

    n = len(scores)
    ranks = np.arange(1, int(share * (n + 1)) + 1)  # that keep it on average
    if not ranks.size:
        return None
    sure = ranks[is_split & (beta.cdf(share, ranks, n + 1 - ranks) >= CONFIDENCE)]
    rank = (sure if sure.size else ranks)[-1]
    return Promise(float(np.sort(scores)[rank - 1]), is_sure=bool(sure.size))
