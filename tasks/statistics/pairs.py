"""Two classifiers on the same images."""

import numpy as np
from numpy.typing import NDArray

from tasks.schemas.references import Record


class PairedCounts(Record):
    """How many images which of two classifiers got right, and what that says.

    `p_value` (0..1) is the chance of a split of the images on which only one was right that is at
    least as uneven, if both are equally good.
    """

    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float

    @property
    def n(self) -> int:
        """All images."""
        return self.both + self.only_first + self.only_second + self.neither


def compare_paired(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> PairedCounts:
    """McNemar's exact test on hits (n,) of two classifiers on the same images.

    McNemar, Note on the sampling error of the difference between correlated proportions,
    Psychometrika 12 (1947); exact: a binomial test of the images on which only one was right.
    """
    from scipy.stats import binomtest

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    different = only_first + only_second
    p_value = binomtest(only_first, different).pvalue if different else 1.0
    return PairedCounts(
        both=int((first & second).sum()),
        only_first=only_first,
        only_second=only_second,
        neither=int((~first & ~second).sum()),
        p_value=float(p_value),
    )
