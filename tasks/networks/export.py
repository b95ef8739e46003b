"""A model as ONNX, which runs without this project, Keras or TensorFlow."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray

from tasks.networks.inference import Model
from tasks.schemas.images import ClassName

if TYPE_CHECKING:
    from onnx import ModelProto


def to_onnx(model: Model, classes: Sequence[ClassName]) -> "ModelProto":
    """A stored model whose outputs are called `classes`, with the refusal that it may have.

    Takes `images`, uint8 (n, height, width, channels); gives `label`, int64 or text (n,),
    `probabilities`, float32 (n, classes), and `refused`, bool (n,).
    """
    import onnx

    with TemporaryDirectory() as folder, catch_warnings():
        simplefilter("ignore", FutureWarning)  # of tf2onnx about NumPy
        path = Path(folder) / "model.onnx"
        _with_all_classes(model).export(path, format="onnx", verbose=False)
        proto = onnx.load(path)
    graph = proto.graph
    probabilities, *margins = (output.name for output in graph.output)
    height, width, channels = model.input_shape[1:]
    cast = onnx.helper.make_node("Cast", ["images"], [graph.input[0].name], to=1)
    graph.node.insert(0, cast)
    graph.node.extend(_answers(probabilities, margins))
    graph.initializer.extend(_constants(classes))
    del graph.input[:], graph.output[:]
    graph.input.append(_value("images", onnx.TensorProto.UINT8, "n", height, width, channels))
    kind = onnx.TensorProto.INT64 if _are_numbers(classes) else onnx.TensorProto.STRING
    graph.output.append(_value("label", kind, "n"))
    graph.output.append(_value("probabilities", onnx.TensorProto.FLOAT, "n", len(classes)))
    graph.output.append(_value("refused", onnx.TensorProto.BOOL, "n"))
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _with_all_classes(model: Model) -> Model:
    """With a probability for each class, of a single node, too, and what else the model gives."""
    import keras

    images = keras.Input(model.input_shape[1:], dtype="float32")
    found = model(images)
    outputs = list(found) if isinstance(found, list | tuple) else [found]
    if outputs[0].shape[1] == 1:
        outputs[0] = keras.layers.Concatenate()([1 - outputs[0], outputs[0]])
    whole = keras.Model(images, outputs)
    whole(np.zeros((1, *model.input_shape[1:]), np.float32))  # Keras exports what was called
    return whole


def _answers(probabilities: str, margins: Sequence[str]) -> list[Any]:
    """From probabilities and margins to what is asked for; without margins nothing is refused."""
    from onnx.helper import make_node

    judged = margins[0] if margins else probabilities
    return [
        make_node("ArgMax", [probabilities], ["position"], axis=1, keepdims=0),
        make_node("Gather", ["class-names", "position"], ["label"]),
        make_node("Identity", [probabilities], ["probabilities"]),
        make_node("ReduceMax", [judged], ["judged"], axes=[1], keepdims=0),
        make_node("Less", ["judged", "no-margin"], ["refused"]),
    ]


def _constants(classes: Sequence[ClassName]) -> list[Any]:
    import onnx

    names: NDArray[Any] = np.array(classes, np.int64 if _are_numbers(classes) else object)
    return [
        onnx.numpy_helper.from_array(names, "class-names"),
        onnx.numpy_helper.from_array(np.zeros((), np.float32), "no-margin"),
    ]


def _value(name: str, kind: int, *shape: int | str) -> Any:
    from onnx.helper import make_tensor_value_info

    return make_tensor_value_info(name, kind, list(shape))


def _are_numbers(classes: Sequence[ClassName]) -> bool:
    return all(isinstance(name, int) for name in classes)
