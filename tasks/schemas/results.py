"""What the stages after training find, and hand to each other."""

from typing import Any, NamedTuple

from tasks.schemas.images import ClassName
from tasks.schemas.references import ArrayReference, Dataset, FileReference, ModelReference, Record
from tasks.schemas.training import TrainedModel


class Interval(NamedTuple):
    """Both ends of a confidence interval of a share, each 0..1."""

    low: float
    high: float


class Scores(Record):
    """How a model does on `n` images."""

    loss: float  # the mean of the loss that the model was trained with
    accuracy: float  # the share of correct predictions, 0..1
    interval: Interval  # the accuracy's exact 95 % interval
    errors: int
    n: int
    log_loss: float  # the mean negative logarithm of the true class's probability, in nats
    calibration_error: float  # see `tasks.statistics.estimates`
    confusion: tuple[tuple[int, ...], ...]  # images by true class (row) and predicted (column)


class Evaluation(Record):
    """Scores, and the probabilities float32 (n, classes) that they were computed from."""

    scores: Scores
    probabilities: ArrayReference


class Result(Record):
    """A trained model and its evaluation on test images."""

    recipe: str
    trained: TrainedModel
    evaluation: Evaluation

    def identity(self) -> Any:
        """All of it: the report tells how long training took, too."""
        return self.model_dump(mode="json")


LEARNED, NOT_LEARNED = OTHER_CLASSES = (
    "other classes, which the base had learned",
    "other classes, which it had not",
)


class UnknownFeatures(Record):
    """Features float32 (n, m), for each kind in words, of test images of none of the classes."""

    kinds: tuple[str, ...]
    features: tuple[ArrayReference, ...]


# Edges of bins of an image's margin: by how many standard deviations of the model's own training
# images its score exceeds the threshold. What lies outside is in the first or the last bin.
MARGINS = tuple(edge / 2 for edge in range(-20, 11))


class Refused(Record):
    """What a model makes of `n` test images of a kind."""

    kind: str
    n: int
    refused: int
    confident: int  # of all, those that have a top probability of at least 0.95
    counts: tuple[int, ...]  # images in each bin of `MARGINS`


class Refusal(Record):
    """What a model refuses, so that at most a share of its own images is lost."""

    model: str
    # with a second output, the margin, below which 0 it refuses; None if too few were held out
    file: ModelReference | None
    share: float  # of own images, 0..1
    held_out: int  # images that the threshold was chosen on
    folds: int  # of them: for each a base had not seen, but others had
    is_sure: bool  # whether the share is kept with 95 % confidence, or else on average
    own: Refused
    unknown: tuple[Refused, ...]


class Refusals(Record):
    """One for each model of the same classes."""

    models: tuple[Refusal, ...]


class LabelEfficiency(Record):
    """An approach with few labels and with all; see `label_efficiency`."""

    approach: str
    images: tuple[int, ...]  # k numbers of labelled images, the last all
    hits: ArrayReference  # bool (k, draws, n), the test images that each training got right


class Learned(Record):
    """What the bases learned: labelled images (n, height, width, channels), and their classes."""

    images: Dataset
    classes: tuple[ClassName, ...]
    is_other: bool  # another data set than the one that is transferred to


class Picture(Record):
    """An SVG element of the report."""

    name: str
    file: FileReference


class Findings(Record):
    """The report's contents: `analysis` is JSON, `table` CSV."""

    analysis: FileReference
    table: FileReference
    pictures: tuple[Picture, ...]
