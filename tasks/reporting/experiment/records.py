"""The rows of an experiment's analysis, in JSON types, as in `metrics.json`."""

from typing import Any, TypedDict

from tasks.reporting.page import ImageRow
from tasks.schemas.images import ClassName


class ByModel(TypedDict):
    """Which model a row is about."""

    recipe: str
    model: str


class ClassRecallRow(TypedDict):
    """How often a class's test images are recognised; see `describe_recall`."""

    name: ClassName
    n: int
    hits: int
    low: float
    high: float
    most: float


class RecallRow(TypedDict):
    """Each class's recall, the least first."""

    balanced_accuracy: float
    classes: list[ClassRecallRow]


class ModelRow(ByModel):
    """A model on test images, see `Scores`; `attempt_log` has each `Attempt`.

    It has `learned` if the health gate found it healthy, which looks at training images.
    """

    loss: float
    accuracy: float
    errors: int
    n: int
    learned: bool
    log_loss: float
    calibration_error: float
    confusion: list[list[int]]
    recall: RecallRow
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
    """Test accuracy (0..1) on average, and that of the worst draw and the best.

    Or the difference of two of them (-1..1), and the ends of its interval.
    """

    mean: float
    low: float
    high: float


class ApproachRow(TypedDict):
    """An approach at each number of labelled images, and how far each transfer is ahead of it."""

    approach: str
    points: list[PointRow]
    behind: dict[str, list[PointRow]]


class LabelEfficiencyRow(TypedDict):
    """All approaches at each number of labelled `images`, the last all, on n test images."""

    recipe: str
    draws: int
    n: int
    images: list[int]
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
    """What the report's sections say; `class_counts` has `class`, `train` and `test`."""

    base: BaseRow
    models: list[ModelRow]
    as_published: list[ModelRow]
    heads: list[HeadsRow]
    label_efficiency: LabelEfficiencyRow | None
    mistakes: list[MistakesRow]
    refusals: list[RefusalRow]
    class_counts: list[dict[str, ClassName]]
