"""What is handed out: what the model in use says of images, as a table, or that model as a file."""

import csv
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO, Literal, NamedTuple, TextIO

import numpy as np

from tasks.errors import DiskError, InputError
from tasks.networks.export import Answers, PortableModel, ask_exported, export_network
from tasks.prediction.reading import NamedImages
from tasks.registry.version import Version
from tasks.schemas.images import ClassName
from tasks.schemas.references import Pixels
from tasks.storage.files import disk_of, replace, temporary_path, whole_file

ROWS = 10_000  # of a Parquet file, written together
Form = Literal["onnx", "litert", "saved-model"]
SUFFIXES: dict[Form, str] = {"onnx": ".onnx", "litert": ".tflite", "saved-model": ""}
CLOSE = 1e-4  # of probabilities


class Row(NamedTuple):
    """What a model says of an image: its likeliest class, the probability 0..1, and a refusal."""

    image: str
    label: ClassName
    probability: float
    refused: bool
    conversion: str


def label_images(
    model: PortableModel, images: Iterable[NamedImages], version: "Version"
) -> Iterator[Row]:
    """A row for each image, with the version's classes; a probability has the digits of float32."""
    for part in images:
        pixels = part.pixels if part.pixels.ndim == 4 else part.pixels[..., None]
        probabilities, refused = model.answer(pixels)
        labels = np.asarray(version.classes)[probabilities.argmax(axis=1)]
        tops = map(float, probabilities.max(axis=1).astype(str))
        yield from map(Row, part.names, labels.tolist(), tops, refused.tolist(), part.conversions)


def write_csv(file: TextIO, table: Iterable[Row], version: "Version") -> None:
    """A heading, and a line for each image."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(Row._fields)
    for name, label, probability, refused, conversion in table:
        writer.writerow([name, label, probability, json.dumps(refused), conversion])


def write_json(file: TextIO, table: Iterable[Row], version: "Version") -> None:
    """The same, with the model's version and digest."""
    model = {"version": version.number, "sha256": version.sha256}
    start, end = json.dumps({"model": model, "images": [None]}, indent=2).split("null")
    file.write(start)
    for number, row in enumerate(table):
        item = json.dumps(row._asdict(), indent=2).replace("\n", "\n    ")
        file.write(f",\n    {item}" if number else item)
    file.write(f"{end}\n")


def write_parquet(file: TextIO, table: Iterable[Row], version: "Version") -> None:
    """The table as Parquet; model and version are in the metadata of its schema."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError("--format parquet needs pyarrow; run `pip install pyarrow`") from None
    about = {"version": str(version.number), "sha256": version.sha256}
    text, are_numbers = pyarrow.string(), all(isinstance(name, int) for name in version.classes)
    label = pyarrow.int64() if are_numbers else text
    kinds = (text, label, pyarrow.float64(), pyarrow.bool_(), text)
    schema = pyarrow.schema(zip(Row._fields, kinds, strict=True), about)
    with parquet.ParquetWriter(file.buffer, schema) as writer:
        while rows := list(islice(table, ROWS)):
            # a file's name in UTF-8, the only text that Parquet has
            names, *columns = zip(*rows, strict=True)
            shown = [os.fsencode(name).decode("utf-8", "replace") for name in names]
            writer.write_table(pyarrow.table([shown, *columns], schema=schema))


FORMATS = {"csv": write_csv, "json": write_json, "parquet": write_parquet}


@contextmanager
def whole_output(path: Path | None) -> Iterator[TextIO]:
    """UTF-8 text that replaces `path` or is printed once it is whole; DiskError, InputError."""
    if path is None:
        with disk_of(Path(gettempdir())), TemporaryFile() as kept:
            with _text(kept) as text:
                yield text
            kept.seek(0)
            _print(kept)
        return
    if path.is_dir():
        raise InputError(f"--output {path} is a folder; give a file")
    try:
        with whole_file(path) as file, _text(file) as text:
            yield text
    except OSError as error:
        raise InputError(f"--output {path} cannot be written ({error.strerror})") from error


def _print(kept: IO[bytes]) -> None:
    try:
        with disk_of(Path("/dev/stdout").resolve()):
            shutil.copyfileobj(kept, sys.stdout.buffer)
            sys.stdout.buffer.flush()
    except DiskError:
        # Python would try once more at its end, and complain in words of its own
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


@contextmanager
def _text(file: IO[bytes]) -> Iterator[TextIO]:
    # surrogateescape gives a file name that is not UTF-8 its own bytes back
    text = TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
    yield text
    text.detach()


def write_export(form: Form, path: Path, model: Path, network: Path, images: Pixels) -> None:
    """Write the champion, verified files of ONNX and Keras, in a form to a path where nothing is.

    Raises InputError if something is there, its suffix is another than the form's, or what was
    made answers one of the images (n, height, width, channels) otherwise; then nothing is left.
    """
    suffix = SUFFIXES[form]
    if suffix and path.suffix != suffix:
        raise InputError(f"{path} is to be {form}; give a name that ends in {suffix}")
    if path.exists():
        raise InputError(f"{path} exists; give a path where nothing is")
    with temporary_path(path, path.absolute().parent) as unfinished:
        found = _export(form, unfinished, model, network, images)
        expected = PortableModel(model).answer(images)
        gap = np.abs(found.probabilities - expected.probabilities).max(axis=1)
        wrong = ((gap > CLOSE) | (found.refused != expected.refused)).sum()
        if wrong:
            raise InputError(f"as {form} it answers {wrong} of {len(images)} images otherwise")
        replace(unfinished, path)


def _export(form: Form, path: Path, model: Path, network: Path, images: Pixels) -> Answers:
    if form == "onnx":
        shutil.copyfile(model, path)
        return PortableModel(path).answer(images)
    from tasks.networks.models import read_model  # imports TensorFlow

    export_network(read_model(network), form, path)
    return ask_exported(path, images)
