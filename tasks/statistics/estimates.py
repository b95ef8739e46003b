"""Exact intervals, the calibration error, and the threshold of refusal."""

import numpy as np
from numpy.typing import NDArray

from tasks.schemas.results import Interval

CONFIDENCE = 0.95


def exact_interval(hits: float, n: int) -> Interval:
    """The exact 95 % interval of a share of which `hits` of `n` were seen.

    Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case of the
    binomial, Biometrika 26 (1934). It holds for any n, and for no error in n too, where the usual
    normal interval has no width. `hits`, 0..n or a ValueError, may be the mean of several models
    on the same n images, which are still no more than n: the ends are quantiles of beta
    distributions, which need no whole number.
    """
    from scipy.stats import beta

    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits are not within 0 and {n}")
    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits > 0 else 0.0
    high = float(beta.isf(tail, hits + 1, n - hits)) if hits < n else 1.0
    return Interval(low, high)


BINS = 15


def calibration_error(confidences: NDArray[np.floating], hits: NDArray[np.bool_]) -> float:
    """The expected calibration error (0..1): how far confidence and accuracy are apart.

    Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks (2017): images are
    sorted into 15 bins of equal width by the probability of the predicted class, and the distances
    between a bin's mean confidence and its accuracy are averaged, weighted by its images. The
    confidences (n,) are top probabilities, 0..1; a hit (n,) is where that class was the true one.
    """
    bins = np.clip(np.ceil(confidences * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=confidences - hits, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidences))


REFUSED = 0.95


def refusal_threshold(unknown: NDArray[np.floating]) -> float:
    """The least threshold below which 95 % of the unknown images' top probabilities, (n,), lie.

    An image is refused if its top probability is below the threshold. Where more than 5 % of the
    unknown images get a probability of 1, only a threshold above 1 refuses enough of them, and
    with it every image.
    """
    largest_refused = np.quantile(unknown, REFUSED, method="inverted_cdf")
    return float(np.nextafter(largest_refused, np.inf, dtype=unknown.dtype))
