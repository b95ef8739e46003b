"""The rows of a study's analysis, in JSON types, as in its `metrics.json`."""

from typing import TypedDict

from tasks.reporting.page import Finding


class OverviewRow(TypedDict):
    """What a study consists of, and how many of its trials learned."""

    recipes: list[str]
    subsets: int
    seeds: list[int]
    trials: int
    learned: int


class ScoreRow(TypedDict):
    """Accuracy with its interval, 0..1; None where nothing learned."""

    accuracy: float | None
    low: float | None
    high: float | None


class TransferRow(ScoreRow):
    """A recipe, subset and head over its seeds; `errors` has None for a seed that did not learn."""

    recipe: str
    classes: list[int]
    head: str
    n: int
    seeds: list[int]
    learned: int
    errors: list[int | None]
    mean_errors: float | None
    best: int | None
    worst: int | None


class TrialRow(ScoreRow):
    """A trial: a row of `trials.csv`."""

    recipe: str
    classes: list[int]
    head: str
    seed: int
    n: int
    errors: int | None
    attempts: int
    epochs: int
    seconds: float
    weights_sha256: str


class PairRow(TypedDict):
    """Two nodes against one on a pair of classes, over the seeds from which both learned."""

    recipe: str
    classes: list[int]
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
    p_value: float
    least_adjusted: float
    different: int


class TotalRow(TypedDict):
    """The errors from one seed, on all subsets for which every seed learned."""

    seed: int
    errors: int


class SpreadRow(TypedDict):
    """How the errors of a recipe and head vary from seed to seed; None without two seeds."""

    recipe: str
    head: str
    subsets: int
    median: float | None
    largest: float | None
    widest: list[int] | None
    complete: int
    totals: list[TotalRow]


class WrongRow(TypedDict):
    """A test image that some of a subset's trials got wrong."""

    image: int
    label: int
    predicted: int
    wrong: int
    trials: int
    probability: float


class HardestRow(TypedDict):
    """A recipe and subset with the images that most trials got wrong."""

    recipe: str
    classes: list[int]
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


class Sections(TypedDict):
    """All that the verdict is computed from."""

    overview: OverviewRow
    transfers: list[TransferRow]
    pairs: list[PairRow]
    heads: list[PairsRow]
    spread: list[SpreadRow]
    hardest: list[HardestRow]
    attempts: list[AttemptsRow]


class StudyAnalysis(Sections):
    """Every section of a study's report."""

    verdict: list[Finding]
    trials: list[TrialRow]
