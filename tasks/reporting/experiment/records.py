"""The rows of an experiment's analysis, in JSON types, as in `metrics.json`."""

from typing import Any, TypedDict

from tasks.reporting.page import Finding, ImageRow
from tasks.schemas.images import ClassName


class ByModel(TypedDict):
    """Which model a row is about."""

    recipe: str
    model: str


class ModelRow(ByModel):
    """A model on test images, see `Scores`; `attempt_log` has each `Attempt`."""

    loss: float
    accuracy: float
    errors: int
    n: int
    learned: bool
    log_loss: float
    calibration_error: float
    confusion: list[list[int]]
    low: float
    high: float
    attempts: int
    epochs: int
    precision: str
    fit_seconds: float
    weights_sha256: str
    parameters: int
    trainable_parameters: int
    published_loss: float | None
    published_accuracy: float | None
    attempt_log: list[dict[str, Any]]


class BaseRow(TypedDict):
    """What the bases had learned before they were transferred."""

    classes: list[ClassName]
    asked: int  # how many classes the subset has
    seen: list[ClassName]  # those of them that they had learned, from the same images
    other_images: bool  # whether theirs are another data set
    sha256: str  # of their images and labels
    train: int
    test: int


class PairedRow(TypedDict):
    """Two models on the same test images; see `PairedCounts`."""

    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float


class HeadsRow(PairedRow):
    """Both heads of a recipe on n test images."""

    recipe: str
    n: int
    agreement: float
    differences: list[
        dict[str, float | ClassName]
    ]  # each has `image`, `label`, `two_node`, `one_node`


class PointRow(TypedDict):
    """Test accuracies (0..1), one a draw, with `images` labelled images in all."""

    images: int
    mean: float
    low: float
    high: float
    accuracies: list[float]


class ApproachRow(TypedDict):
    """An approach by labelled images, and with all of them against the frozen backbone."""

    approach: str
    points: list[PointRow]
    errors: int
    against_frozen: PairedRow


class LabelEfficiencyRow(TypedDict):
    """All approaches, the frozen backbone first, on n test images."""

    recipe: str
    draws: int
    n: int
    approaches: list[ApproachRow]


class RefusedRow(TypedDict):
    """A kind of images, see `Refused`, and the exact interval of the share that is refused."""

    kind: str
    n: int
    refused: int
    confident: int
    counts: list[int]
    low: float
    high: float


class RefusalRow(ByModel):
    """What a model refuses, see `Refusal`, of its own images first.

    `promise` says how surely the share is kept, or none; `meaning` which share of the refused
    images are others where these are 1, 10 and 50 % of all; `sentence` both in words.
    """

    share: float
    held_out: int
    promise: str
    kinds: list[RefusedRow]
    meaning: dict[str, float]
    sentence: str


class MistakesRow(ByModel):
    """The hardest test images of a model."""

    images: list[ImageRow]


class Analysis(TypedDict):
    """Every section of the report; `class_counts` has `class`, `train` and `test`."""

    verdict: list[Finding]
    base: BaseRow
    models: list[ModelRow]
    heads: list[HeadsRow]
    label_efficiency: LabelEfficiencyRow | None
    mistakes: list[MistakesRow]
    refusals: list[RefusalRow]
    class_counts: list[dict[str, ClassName]]
