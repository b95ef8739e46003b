"""Many tests at once."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values, each adjusted for all of them being looked at, in the same order.

    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6 (1979): the chance that any true hypothesis is rejected stays below the level,
    however the tests depend on each other. scipy has only procedures for the false discovery rate,
    and statsmodels is a large dependency for five lines.
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return [float(p_value) for p_value in adjusted]
