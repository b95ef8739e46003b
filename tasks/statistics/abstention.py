"""Below which probability a model should rather refuse."""

import numpy as np
from numpy.typing import NDArray

REFUSED = 0.95


def refusal_threshold(unknown: NDArray[np.floating], share: float = REFUSED) -> float:
    """The least threshold below which `share` of the unknown images' top probabilities lie.

    An image is refused if its top probability is below the threshold. Where more than 1 - `share`
    of the unknown images get a probability of 1, only a threshold above 1 refuses enough of them,
    and with it every image.

    Args:
        unknown: Top probabilities, float (n,), of images of no class that the model knows.
        share: How many of them are to be refused, 0..1.
    """
    largest_refused = np.quantile(unknown, share, method="inverted_cdf")
    return float(np.nextafter(largest_refused, np.inf, dtype=unknown.dtype))
