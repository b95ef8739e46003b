"""How far a measured share may be from the true one."""

from tasks.schemas.results import Interval

CONFIDENCE = 0.95


def exact_interval(hits: float, n: int) -> Interval:
    """The exact 95 % interval of a share of which `hits` of `n` were seen.

    Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case of the
    binomial, Biometrika 26 (1934). It holds for any n, and for no error in n too, where the usual
    normal interval has no width.

    Args:
        hits: How many, 0..n. It may be the mean of several models on the same n images, which are
            still no more than n images: the ends are quantiles of beta distributions, which need
            no whole number.
        n: All of them.

    Raises:
        ValueError: `hits` is not within 0..n.
    """
    from scipy.stats import beta

    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits are not within 0 and {n}")
    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits > 0 else 0.0
    high = float(beta.isf(tail, hits + 1, n - hits)) if hits < n else 1.0
    return Interval(low, high)
