"""How far a measured share may be from the true one."""

from typing import NamedTuple

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """Both ends of a confidence interval of a share, each 0..1."""

    low: float
    high: float


def exact_interval(hits: int, n: int) -> Interval:
    """The exact 95 % interval of a share of which `hits` of `n` were seen.

    Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case of the
    binomial, Biometrika 26 (1934). It holds for any n, and for no error in n too, where the usual
    normal interval has no width.

    Raises:
        ValueError: `hits` is not within 0..n.
    """
    from scipy.stats import binomtest

    found = binomtest(hits, n).proportion_ci(CONFIDENCE, method="exact")
    return Interval(float(found.low), float(found.high))
