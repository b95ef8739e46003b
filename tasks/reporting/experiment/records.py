"""The rows of an experiment's analysis, in JSON types, as in `metrics.json`."""

from typing import Any, TypedDict

from tasks.reporting.page import Finding


class ModelRow(TypedDict):
    """A model on test images; `attempt_log` has its attempts as `Attempt` has them."""

    recipe: str
    model: str
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
    attempt_log: list[Any]


class DifferenceRow(TypedDict):
    """A test image on which two heads give its second class different probabilities."""

    image: int
    label: int
    two_node: float
    one_node: float


class PairedRow(TypedDict):
    """Test images by which of two models is right, and McNemar's p value."""

    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float


class HeadsRow(PairedRow):
    """Both heads of a recipe on the same n images; see `PairedCounts` for the counts."""

    recipe: str
    n: int
    agreement: float
    differences: list[DifferenceRow]


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


class UnknownRow(TypedDict):
    """A head on images of unknown classes; see `Refusal`."""

    recipe: str
    model: str
    unknown: int
    known: int
    confident: float
    threshold: float
    refused: float
    accepted: float
    uncertainties: list[float]
    unknown_counts: list[int]
    known_counts: list[int]


class ImageRow(TypedDict):
    """A test image, its class, and the predicted one with its probability."""

    image: int
    label: int
    predicted: int
    probability: float


class MistakesRow(TypedDict):
    """The hardest images of a model."""

    recipe: str
    model: str
    images: list[ImageRow]


class Analysis(TypedDict):
    """Every section of the report, the verdict first."""

    verdict: list[Finding]
    models: list[ModelRow]
    heads: list[HeadsRow]
    label_efficiency: LabelEfficiencyRow | None
    mistakes: list[MistakesRow]
    unknown_classes: list[UnknownRow]
    class_counts: list[dict[str, int]]
