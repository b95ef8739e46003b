"""A model as a file that runs without this project: ONNX, LiteRT or TensorFlow's SavedModel."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, NamedTuple
from warnings import catch_warnings, simplefilter

import numpy as np

from tasks.networks.inference import Model
from tasks.schemas.images import ClassName
from tasks.schemas.references import Array, Floats, Mask, Pixels
from tasks.storage.store import reading

if TYPE_CHECKING:
    from onnx import ModelProto

BATCH = 250  # images


class Answers(NamedTuple):
    """Class probabilities (n, classes), 0..1, and which of the images are refused, (n,)."""

    probabilities: Floats
    refused: Mask


class PortableModel:
    """What `to_onnx` wrote, from a file whose digest was checked; or DamagedError."""

    def __init__(self, verified: Path) -> None:
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = os.cpu_count() or 1
        # threads that wait for work would take the processor from what reads the next images
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        with reading(verified):
            self._session = InferenceSession(verified, options, providers=["CPUExecutionProvider"])

    def answer(self, images: Pixels) -> Answers:
        """What the model says of images (n, height, width, channels), n > 0."""
        starts = range(0, len(images), BATCH)
        found = [
            self._session.run(list(Answers._fields), {"images": images[start : start + BATCH]})
            for start in starts
        ]
        return Answers(*map(np.concatenate, zip(*found, strict=True)))


def to_onnx(model: Model, classes: Sequence[ClassName]) -> "ModelProto":
    """A stored model whose outputs are called `classes`, with the refusal that it may have.

    Takes `images`, uint8 (n, height, width, channels); gives `label`, int64 or text (n,),
    `probabilities`, float32 (n, classes), and `refused`, bool (n,).
    """
    import onnx
    from onnx.helper import make_node, make_tensor_value_info

    with TemporaryDirectory() as folder, catch_warnings():
        simplefilter("ignore", FutureWarning)  # of tf2onnx about NumPy
        path = Path(folder) / "model.onnx"
        _answering(model).export(path, format="onnx", verbose=False)
        proto = onnx.load(path)
    types, are_numbers = onnx.TensorProto, all(isinstance(name, int) for name in classes)
    names: Array = np.array(classes, np.int64 if are_numbers else object)
    graph, shape = proto.graph, ["n", *model.input_shape[1:]]
    graph.node.insert(0, make_node("Cast", ["images"], ["pixels"], to=types.FLOAT))
    graph.node.append(make_node("ArgMax", ["probabilities"], ["position"], axis=1, keepdims=0))
    graph.node.append(make_node("Gather", ["class-names", "position"], ["label"]))
    graph.initializer.append(onnx.numpy_helper.from_array(names, "class-names"))
    kind = types.INT64 if are_numbers else types.STRING
    del graph.input[:]
    graph.input.append(make_tensor_value_info("images", types.UINT8, shape))
    graph.output.insert(0, make_tensor_value_info("label", kind, ["n"]))
    onnx.checker.check_model(proto, full_check=True)
    return proto


def export_network(model: Model, form: Literal["litert", "saved-model"], path: Path) -> None:
    """Write a stored model: a LiteRT file, or a SavedModel's folder.

    Takes float32 `pixels` (n, height, width, channels), 0..255; answers like `to_onnx`, unlabelled.
    """
    kinds = {"litert": "litert", "saved-model": "tf_saved_model"}
    _answering(model).export(path, format=kinds[form], verbose=False)


def ask_exported(path: Path, images: Pixels) -> Answers:
    """What `export_network` wrote says of images (n, height, width, channels)."""
    import tensorflow as tf

    if path.is_dir():
        loaded = tf.saved_model.load(str(path))  # has the weights as long as it lives
        said = loaded.serve(images.astype(np.float32))
        found = {name: value.numpy() for name, value in said.items()}
    else:
        with catch_warnings():
            simplefilter("ignore", UserWarning)  # that LiteRT becomes a package of its own
            ask = tf.lite.Interpreter(str(path)).get_signature_runner()
        found = ask(pixels=images.astype(np.float32))
    return Answers(found["probabilities"], found["refused"])


def _answering(model: Model) -> Model:
    """From `pixels` to the `probabilities` of all classes, of a single node, too, and `refused`."""
    # A model that has no second output, its margin, refuses nothing.
    import keras

    pixels = keras.Input(model.input_shape[1:], dtype="float32", name="pixels")
    outputs = model(pixels)
    found, *margins = outputs if isinstance(outputs, list | tuple) else [outputs]
    margin = keras.ops.max(margins[0] if margins else found, axis=-1)
    if found.shape[1] == 1:
        found = keras.layers.Concatenate()([1 - found, found])
    answers = {"probabilities": found, "refused": keras.ops.less(margin, 0.0)}
    answering = keras.Model(pixels, answers)
    answering(np.zeros((1, *model.input_shape[1:]), np.float32))  # Keras exports what was called
    return answering
