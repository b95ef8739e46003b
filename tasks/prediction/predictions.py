"""What a model says of images, as a table."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from tasks.networks.inference import Model, class_probabilities, run
from tasks.prediction.reading import NamedImages

if TYPE_CHECKING:
    from tasks.registry.version import Version


@dataclass(frozen=True)
class Predictions:
    """What a model says of n images.

    Attributes:
        labels: The most probable digit, int (n,).
        probabilities: How probable it is, float32 (n,), 0..1.
        refused: Whether that is below the threshold, so that the answer is not to be trusted.
    """

    labels: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    refused: NDArray[np.bool_]


class Row(NamedTuple):
    """A line of the table."""

    image: str
    label: int
    probability: float
    refused: bool
    conversion: str


def predict(model: Model, images: NDArray[np.uint8], version: "Version") -> Predictions:
    """Label images.

    Args:
        model: Has a node for each class (softmax), or one for the second of two (sigmoid).
        images: uint8 (n, 28, 28).
        version: Says which digits the classes are, and below which probability to refuse.
    """
    probabilities = class_probabilities(run(model, images[..., None]))
    tops = probabilities.max(axis=1)
    labels = np.asarray(version.classes)[probabilities.argmax(axis=1)]
    return Predictions(labels, tops, tops < version.threshold)


def label_images(model: Model, images: Iterable[NamedImages], version: "Version") -> Iterator[Row]:
    """The table, for one part of the images after the other; see `predict` and `rows`."""
    for part in images:
        yield from rows(part, predict(model, part.pixels, version))


def rows(images: NamedImages, predictions: Predictions) -> Iterator[Row]:
    """A row for each image; a probability has as many digits as float32 needs."""
    columns = (
        images.names,
        predictions.labels.tolist(),
        map(float, predictions.probabilities.astype(str)),
        predictions.refused.tolist(),
        images.conversions,
    )
    return map(Row, *columns)


def write_csv(file: TextIO, table: Iterable[Row], version: "Version") -> None:
    """A heading, and a line for each image."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(Row._fields)
    for name, label, probability, refused, conversion in table:
        writer.writerow([name, label, probability, json.dumps(refused), conversion])


def write_json(file: TextIO, table: Iterable[Row], version: "Version") -> None:
    """The same, with the model's version, digest and threshold."""
    model = {
        "version": version.number,
        "sha256": version.sha256,
        "threshold": version.threshold,
    }
    start, end = json.dumps({"model": model, "images": [None]}, indent=2).split("null")
    file.write(start)
    for number, row in enumerate(table):
        item = json.dumps(row._asdict(), indent=2).replace("\n", "\n    ")
        file.write(f",\n    {item}" if number else item)
    file.write(f"{end}\n")


FORMATS: dict[str, Callable[[TextIO, Iterable[Row], "Version"], None]] = {
    "csv": write_csv,
    "json": write_json,
}
