"""Paired differences whose sign, if nothing differs, might as well have been the other."""

import numpy as np
from numpy.typing import NDArray


def sign_flip_p_value(differences: NDArray[np.int64]) -> float:
    """The chance (0..1) of a sum at least as far from 0 if every difference's sign were tossed for.

    The exact two-sided randomisation test of Fisher, The design of experiments (1935), section 21,
    and of Pitman, Significance tests which may be applied to samples from any populations,
    Supplement to the Journal of the Royal Statistical Society 4 (1937). The chances of all sums are
    built up one difference at a time. Of differences of one size it is McNemar's exact test.

    Args:
        differences: Integers (n,), one for each unit; 0 where nothing differs. Time and memory
            grow with their absolute sum.
    """
    sizes = np.abs(differences[differences != 0])
    chances = np.zeros(sizes.sum() + 1)  # of the sum of those sizes whose sign is a plus
    chances[0] = 1
    for size in sizes:
        chances[size:] += chances[:-size]
        chances /= 2
    sums = 2 * np.arange(len(chances)) - sizes.sum()
    return min(1.0, float(chances[np.abs(sums) >= abs(differences.sum())].sum()))
