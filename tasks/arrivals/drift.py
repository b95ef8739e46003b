"""Drift: whether a batch comes from where the training data comes from.

A batch is rejected where a difference is both large and significant: significance alone rejects a
huge batch for what does not matter, size alone a tiny one for its luck. The training data are those
of the base data set, without earlier batches, so that small steps do not add up to a large one; a
batch that a person approved is another source to come from.

Labels: the total variation distance of the label distributions (Levin and Peres, Markov Chains and
Mixing Times, 2017, proposition 4.2), and Pearson's chi-square test of homogeneity, with p-values
from tables drawn with the same margins (Patefield, Applied Statistics 30, 1981), as a small batch's
expected counts are too small for the chi-square distribution (Cochran, Biometrics 10, 1954).
Pixels: mean and standard deviation, which is the contrast (Peli, Journal of the Optical Society of
America A 7, 1990), by the two-sample Kolmogorov-Smirnov test (Hodges, Arkiv for Matematik 3, 1958).
Features: the same test of how similar images are to their nearest training images.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.schemas.references import Array, Pixels

MAX_LABEL_DISTANCE = 0.25
MAX_DISTANCE = 0.3
SIGNIFICANCE = 0.001
RANDOM_TABLES = 9_999  # p can be as small as 1 in 10,000


@dataclass(frozen=True)
class Description:
    """What is compared of n labelled images."""

    label_counts: NDArray[np.int64]  # how many are of each class, (k,)
    brightness: NDArray[np.float64]  # mean of each image's pixels, (n,), 0..255
    contrast: NDArray[np.float64]  # their standard deviation, (n,), 0..127.5
    # to the nearest training images, -1..1, of images that are not among these
    similarity: NDArray[np.float64]


def describe(
    images: Pixels, labels: Array, classes: int, similarity: NDArray[np.float64]
) -> Description:
    """Describe images uint8 (n, ...) with labels (n,) of 0..classes-1, n > 0."""
    pixels = images.reshape(len(images), -1)
    brightness = pixels.mean(axis=1)
    # of uint8 whole numbers the squares are exact, and no copy of all pixels as float is made
    squares = np.einsum("ij,ij->i", pixels, pixels, dtype=np.int64) / pixels.shape[1]
    contrast = np.sqrt(np.maximum(squares - brightness**2, 0))
    return Description(np.bincount(labels, minlength=classes), brightness, contrast, similarity)


def joined(described: Sequence[Description]) -> Description:
    """Several batches as one."""
    counts, *values = zip(*(astuple(one) for one in described), strict=True)
    return Description(np.sum(counts, axis=0), *map(np.concatenate, values))


def find_drift(batch: Description, training: Description) -> str:
    """What ("its ...") differs largely and significantly from the training data; "" if nothing."""
    drift = _labels_drift(batch.label_counts, training.label_counts)
    for name in ("brightness", "contrast", "similarity"):
        drift = drift or _values_drift(name, getattr(batch, name), getattr(training, name))
    return drift


def _labels_drift(batch: NDArray[np.int64], training: NDArray[np.int64]) -> str:
    from scipy.stats import MonteCarloMethod, chi2_contingency

    distance = np.abs(batch / batch.sum() - training / training.sum()).sum() / 2
    if distance <= MAX_LABEL_DISTANCE:
        return ""
    table = np.stack([batch, training])
    method = MonteCarloMethod(n_resamples=RANDOM_TABLES, rng=np.random.default_rng(0))
    test = chi2_contingency(table[:, table.any(axis=0)], correction=False, method=method)
    if test.pvalue >= SIGNIFICANCE:
        return ""
    return (
        f"labels drift from the training labels by a total variation distance of "
        f"{distance:.2f} (p < {SIGNIFICANCE}) where up to {MAX_LABEL_DISTANCE} is right"
    )


def _values_drift(what: str, batch: NDArray[np.float64], training: NDArray[np.float64]) -> str:
    from scipy.stats import ks_2samp

    if not len(batch):
        return ""
    test = ks_2samp(batch, training)
    if test.statistic <= MAX_DISTANCE or test.pvalue >= SIGNIFICANCE:
        return ""
    return (
        f"images' {what} drifts from the training images' by a Kolmogorov-Smirnov "
        f"distance of {test.statistic:.2f} (p < {SIGNIFICANCE}) where up to "
        f"{MAX_DISTANCE} is right"
    )
