"""Whether a model that says 90 % is right nine times of ten."""

import numpy as np
from numpy.typing import NDArray

BINS = 15


def calibration_error(confidences: NDArray[np.floating], hits: NDArray[np.bool_]) -> float:
    """The expected calibration error (0..1): how far confidence and accuracy are apart.

    Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks (2017): images are
    sorted into 15 bins of equal width by the probability of the predicted class, and the distances
    between a bin's mean confidence and its accuracy are averaged, weighted by its images.

    Args:
        confidences: Top probabilities, 0..1, (n,).
        hits: Whether that class was the true one, (n,).
    """
    bins = np.clip(np.ceil(confidences * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=confidences - hits, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidences))
