"""What the stages after training find, and hand to each other."""

from typing import Any, NamedTuple

from tasks.schemas.references import ArrayReference, FileReference, Record
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
    learned: bool  # whether the accuracy is above the share of the largest class
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


class UnknownFeatures(Record):
    """Features float32 (n, m) of training and of test images of unknown classes, if any."""

    features: tuple[ArrayReference, ...]


class Refusal(Record):
    """How a head treats images of unknown classes: all others of the data set.

    `uncertainties` are the 21 edges of 20 bins of uncertainty, 1 minus the top probability, evenly
    spread on a log scale from 1e-8, where 0 is counted too, to that of a mere guess.
    """

    model: str
    unknown: int  # how many test images are of other classes
    known: int  # and how many of its own
    confident: float  # the share of unknown images with a top probability of at least 0.95
    threshold: float  # the top probability below which an image is refused, from training images
    refused: float  # the share of the unknown images that it refuses, 0..1
    accepted: float  # the share of the known images that it does not refuse, 0..1
    uncertainties: tuple[float, ...]
    unknown_counts: tuple[int, ...]  # images in each bin
    known_counts: tuple[int, ...]


class Refusals(Record):
    """One for each head; none if there is no other class."""

    heads: tuple[Refusal, ...]


class Point(Record):
    """Test accuracies (0..1), one a draw, with so many labelled images."""

    images: int
    accuracies: tuple[float, ...]


class LabelEfficiency(Record):
    """An approach with few labels and with all; see `label_efficiency`.

    Its points are for `LABELLED` images a class, as far as there are so many, the last for all
    images; `hits`, bool (n,), are the test images that the first training on all got right.
    """

    approach: str
    points: tuple[Point, ...]
    hits: ArrayReference


class Picture(Record):
    """An SVG element of the report."""

    name: str
    file: FileReference


class Findings(Record):
    """The report's contents: `analysis` is JSON, `table` CSV."""

    analysis: FileReference
    table: FileReference
    pictures: tuple[Picture, ...]
