"""The model in use as another file, which is written once it has answered as that does."""

import shutil
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InputError
from tasks.networks.export import Answers, PortableModel, ask_exported, export_network
from tasks.storage.files import replace, temporary_path

Form = Literal["onnx", "litert", "saved-model"]
SUFFIXES: dict[Form, str] = {"onnx": ".onnx", "litert": ".tflite", "saved-model": ""}
CLOSE = 1e-4  # of probabilities


def write_export(
    form: Form, path: Path, model: Path, network: Path, images: NDArray[np.uint8]
) -> None:
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


def _export(
    form: Form, path: Path, model: Path, network: Path, images: NDArray[np.uint8]
) -> Answers:
    if form == "onnx":
        shutil.copyfile(model, path)
        return PortableModel(path).answer(images)
    from tasks.networks.models import read_model  # imports TensorFlow

    export_network(read_model(network), form, path)
    return ask_exported(form, path, images)
