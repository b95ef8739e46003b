"""The model in use, handed out in another form once it has answered as that does."""

import shutil

import numpy as np
import pytest

from flows.cli import run_command
from flows.config import ExportConfig
from tasks.errors import InputError
from tasks.networks.architecture import build_base
from tasks.networks.export import to_onnx
from tasks.networks.recipe import Training
from tasks.prediction.writing import write_export

TRAINING = Training(
    loss="crossentropy", optimizer="adam", learning_rate=0.1, batch_size=8, epochs=1
)
IMAGES = np.random.default_rng(0).integers(0, 256, (20, 12, 12, 1), np.uint8)


@pytest.fixture(scope="module")
def champion(tmp_path_factory):
    """Its ONNX and its Keras file."""
    network = build_base((12, 12, 1), 3, 1 / 255, TRAINING, seed=0)
    folder = tmp_path_factory.mktemp("champion")
    model, keras = folder / "base.onnx", folder / "base.keras"
    model.write_bytes(to_onnx(network, ("ant", "bee", "cat")).SerializeToString())
    network.save(keras)
    return model, keras


def test_onnx_is_the_very_file(tmp_path, champion):
    write_export("onnx", tmp_path / "a.onnx", *champion, IMAGES)
    assert (tmp_path / "a.onnx").read_bytes() == champion[0].read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


@pytest.mark.parametrize(("form", "name"), [("litert", "a.tflite"), ("saved-model", "a")])
def test_another_form_is_written_whole(tmp_path, champion, form, name):
    write_export(form, tmp_path / name, *champion, IMAGES)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    content = tmp_path / name
    assert content.stat().st_size > 10_000 or (content / "saved_model.pb").is_file()


def test_what_answers_otherwise_is_not_handed_out(tmp_path, champion):
    other = tmp_path / "other.keras"
    build_base((12, 12, 1), 3, 1 / 255, TRAINING, seed=1).save(other)
    with pytest.raises(InputError, match="as litert it answers 20 of 20 images otherwise"):
        write_export("litert", tmp_path / "a.tflite", champion[0], other, IMAGES)
    assert [path.name for path in tmp_path.iterdir()] == ["other.keras"]


@pytest.mark.parametrize(
    ("form", "name", "sentence"),
    [
        ("onnx", "there.onnx", "there.onnx exists; give a path where nothing is"),
        ("litert", "a.lite", "a.lite is to be litert; give a name that ends in .tflite"),
        ("onnx", "a", "a is to be onnx; give a name that ends in .onnx"),
    ],
)
def test_a_wrong_path_is_one_sentence(tmp_path, champion, form, name, sentence):
    shutil.copyfile(champion[0], tmp_path / "there.onnx")
    with pytest.raises(InputError, match=sentence):
        write_export(form, tmp_path / name, *champion, IMAGES)
    assert [path.name for path in tmp_path.iterdir()] == ["there.onnx"]


def test_the_command_line(capsys):
    told = []
    arguments = ["--to", "saved-model", "out", "--model", "base"]
    assert run_command("flows/predict.py export", "", ExportConfig, told.append, arguments) == 0
    assert (told[0].to, str(told[0].path), told[0].model) == ("saved-model", "out", "base")
    assert run_command("x", "", ExportConfig, told.append, ["--to", "tflite", "out"]) == 2
    assert "'tflite'" in capsys.readouterr().err
