"""The rows of a study's analysis, in JSON types, as in its `metrics.json`."""

from typing import TypedDict

from tasks.reporting.page import Finding, ImageRow
from tasks.schemas.images import ClassName


class OverviewRow(TypedDict):
    """What a study consists of, and how many of its trials learned."""

    bases: str  # what they had seen, in words
    recipes: list[str]
    classes: list[ClassName]  # those of pairs, in the order of the data
    subsets: int
    seeds: list[int]
    trials: int
    learned: int


class BySubset(TypedDict):
    """Which subset a row is about, and by which recipe its heads were trained."""

    recipe: str
    classes: list[ClassName]


class ScoreRow(TypedDict):
    """Accuracy and its interval, 0..1; None where nothing learned."""

    accuracy: float | None
    low: float | None
    high: float | None


class TransferRow(BySubset, ScoreRow):
    """A head over its seeds; `errors` has None for a seed that did not learn."""

    head: str
    n: int
    seeds: list[int]
    learned: int
    errors: list[int | None]
    mean_errors: float | None
    best: int | None
    worst: int | None


class TrialRow(BySubset, ScoreRow):
    """A head from one seed: a row of `trials.csv`."""

    head: str
    seed: int
    n: int
    errors: int | None
    attempts: int
    epochs: int
    seconds: float
    weights_sha256: str


class PairRow(BySubset):
    """Two nodes against one on a pair of classes, over the seeds from which both learned."""

    n: int
    seeds: int
    two_errors: int
    one_errors: int
    two_better: int
    one_better: int
    p_value: float
    adjusted: float


class PairsRow(TypedDict):
    """Two nodes against one over all pairs of a recipe."""

    recipe: str
    pairs: int
    fewer: int
    equal: int
    more: int
    two_errors: int
    one_errors: int
    predictions: int
    p_value: float  # over pairs
    image_p_value: float
    adjusted: float
    tests: int
    recipes: int
    least_adjusted: float
    different: int


class SpreadRow(TypedDict):
    """How the accuracy of a recipe and head varies over seeds; None without two that learned."""

    recipe: str
    head: str
    subsets: int
    median: float | None
    largest: float | None
    widest: list[ClassName] | None
    times: list[float]  # that over draws of test images: the median and the largest
    above: int  # subsets for which it is 1 or more
    complete: int
    totals: list[dict[str, int]]  # of each `seed` the `errors`


class WrongRow(ImageRow):
    """A test image that `wrong` of a subset's trials got wrong."""

    wrong: int
    trials: int


class HardestRow(BySubset):
    """The images that most of a subset's trials got wrong, and their mean accuracy."""

    trials: int
    accuracy: float
    images: list[WrongRow]


class AttemptsRow(TypedDict):
    """How many initialisations of a recipe and head are dead, and why."""

    recipe: str
    head: str
    trials: int
    attempts: int
    dead: int
    most: int
    without: int
    reasons: dict[str, int]


class Analysis(TypedDict):
    """Every section of a study's report."""

    verdict: list[Finding]
    overview: OverviewRow
    transfers: list[TransferRow]
    pairs: list[PairRow]
    heads: list[PairsRow]
    spread: list[SpreadRow]
    hardest: list[HardestRow]
    attempts: list[AttemptsRow]
    trials: list[TrialRow]
