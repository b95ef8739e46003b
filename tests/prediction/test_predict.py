"""The model in use: images in, a table out, and a sentence for whatever is wrong."""

import csv
import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import squares
from PIL import Image

from flows.cli import run_command
from flows.config import PredictConfig
from flows.predict import label_with_champion
from tasks.errors import InputError
from tasks.networks.export import Answers, PortableModel, to_onnx
from tasks.prediction.reading import NamedImages, count_images, read_images
from tasks.prediction.writing import FORMATS, Row, label_images, whole_output
from tasks.schemas.images import Preparation
from tasks.storage.files import file_sha256
from tasks.storage.store import DamagedError

ROOT = Path(__file__).parents[2]
SCRIPT = "flows/predict.py"

DIGITS = Preparation(height=28, width=28, channels=1, handwriting=True)
VERSION = SimpleNamespace(number=3, sha256="ab12", classes=(3, 8), preparation=DIGITS)
TABLE = [
    Row("a.png", 3, 0.75, False, "as it is"),
    Row('b, "new".npz[1]', 8, 0.6, True, "grey, centred by mass"),
]


def image(pixel: int) -> np.ndarray:
    """Light on dark; its middle is so bright."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[14, 14] = pixel
    return pixels


def png(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@cache
def middle_pixel(nodes: int, threshold: float = 0.75) -> bytes:
    """Its answer is the pixel in the middle as a share of 255, of the second class of two.

    It refuses what has no class of the threshold or more.
    """
    import keras

    images = keras.Input((28, 28, 1))
    share = keras.layers.Rescaling(1 / 255)(keras.layers.Cropping2D(((14, 13), (14, 13)))(images))
    share = keras.layers.Flatten()(share)
    other = keras.layers.Rescaling(-1, offset=1)(share)
    margin = keras.layers.Rescaling(1, offset=-threshold)(keras.layers.Maximum()([share, other]))
    both = keras.layers.Concatenate()([other, share])
    return as_onnx(keras.Model(images, [share if nodes == 1 else both, margin]), (3, 8))


def as_onnx(model, classes: tuple[int, ...]) -> bytes:
    return to_onnx(model, classes).SerializeToString()


def labelled(content: bytes, images: np.ndarray) -> list[Row]:
    names = [str(number) for number in range(len(images))]
    with NamedTemporaryFile(suffix=".onnx") as file:
        file.write(content)
        file.flush()
        model = PortableModel(Path(file.name))
    return list(label_images(model, [NamedImages(names, images, names)], VERSION))


@pytest.mark.parametrize("nodes", [1, 2])
def test_the_most_probable_class_is_named_by_its_digit(nodes):
    images = np.stack([image(255), image(0), image(51)])
    found = labelled(middle_pixel(nodes), images)
    assert [row.label for row in found] == [8, 3, 3]
    probabilities = [row.probability for row in found]
    assert [float(str(np.float32(one))) for one in probabilities] == probabilities
    np.testing.assert_allclose(probabilities, [1, 1, 0.8], rtol=1e-6)
    assert [row.refused for row in found] == [False, False, False]


def test_below_the_threshold_is_refused_and_the_threshold_itself_is_not():
    images = np.stack([image(190), image(191), image(192)])
    threshold = float(np.float32(labelled(middle_pixel(1), images)[1].probability))
    found = labelled(middle_pixel(1, threshold), images)
    assert [row.refused for row in found] == [True, False, False]


def test_rows_have_as_many_digits_as_float32_needs():
    images = NamedImages(["a", "b"], np.zeros((2, 28, 28), np.uint8), ["as it is", "empty"])
    answers = Answers(np.array([[0.1, 0.9], [0.8, 0.2]], np.float32), np.array([False, True]))
    model = SimpleNamespace(answer=lambda pixels: answers)
    assert list(label_images(model, [images], VERSION)) == [
        Row("a", 8, 0.9, False, "as it is"),
        Row("b", 3, 0.8, True, "empty"),
    ]


def written(form: str) -> str:
    file = StringIO()
    FORMATS[form](file, iter(TABLE), VERSION)
    return file.getvalue()


def test_csv():
    assert written("csv") == (
        "image,label,probability,refused,conversion\n"
        "a.png,3,0.75,false,as it is\n"
        '"b, ""new"".npz[1]",8,0.6,true,"grey, centred by mass"\n'
    )


@pytest.mark.parametrize("kind", [int, str])
def test_parquet(tmp_path, kind):
    pandas = pytest.importorskip("pandas")
    parquet = pytest.importorskip("pyarrow.parquet")
    classes = tuple(map(kind, VERSION.classes))
    version = SimpleNamespace(number=3, sha256="ab12", classes=classes)
    rows = [row._replace(label=kind(row.label)) for row in TABLE] * 6_000
    rows[0] = rows[0]._replace(image="b\udcff.png")  # a file's name that is not UTF-8
    with whole_output(tmp_path / "labels.parquet") as file:
        FORMATS["parquet"](file, iter(rows), version)
    found = pandas.read_parquet(tmp_path / "labels.parquet")
    rows[0] = rows[0]._replace(image="b\ufffd.png")
    assert [*found.itertuples(index=False, name=None)] == rows
    about = parquet.read_schema(tmp_path / "labels.parquet").metadata
    assert (about[b"version"], about[b"sha256"]) == (b"3", b"ab12")


def test_json():
    content = {
        "model": {"version": 3, "sha256": "ab12"},
        "images": [
            {
                "image": "a.png",
                "label": 3,
                "probability": 0.75,
                "refused": False,
                "conversion": "as it is",
            },
            {
                "image": 'b, "new".npz[1]',
                "label": 8,
                "probability": 0.6,
                "refused": True,
                "conversion": "grey, centred by mass",
            },
        ],
    }
    assert written("json") == json.dumps(content, indent=2) + "\n"


def write(text: str, path: Path | None) -> None:
    with whole_output(path) as file:
        file.write(text)


def test_an_output_replaces_a_file_and_leaves_nothing_beside_it(tmp_path, capsys):
    write("old", tmp_path / "new" / "x.csv")
    write("é\n", tmp_path / "new" / "x.csv")
    assert (tmp_path / "new" / "x.csv").read_bytes() == b"\xc3\xa9\n"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.csv"]
    write("é\n", None)
    assert capsys.readouterr().out == "é\n"


def interrupted() -> Iterator[str]:
    yield "begun" * 10_000
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["x.csv", None])
def test_of_an_output_that_is_not_completed_nothing_is_left(tmp_path, capsys, name):
    path = name and tmp_path / name
    with pytest.raises(KeyboardInterrupt), whole_output(path) as file:
        file.writelines(interrupted())
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


def test_an_output_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^--output .*x.csv cannot be written \(File exists\)$"):
        write("", tmp_path / "file" / "x.csv")
    with pytest.raises(InputError, match=r"^--output .* is a folder; give a file$"):
        write("", tmp_path)


def read(paths: list[Path], max_pixel: int = 255) -> NamedImages:
    """The images of one chunk, read as a command does."""
    count_images(paths)
    (found,) = read_images(paths, DIGITS.model_copy(update={"max_pixel": max_pixel}))
    return found


def test_files_folders_and_npz_are_read_in_the_order_of_the_arguments(tmp_path):
    np.savez(tmp_path / "some.npz", images=np.stack([image(1), image(2)]))
    png(tmp_path / "folder" / "z.png", image(5))
    png(tmp_path / "folder" / "below" / "a.PNG", image(4))
    (tmp_path / "folder" / "notes.txt").touch()
    png(tmp_path / "alone.png", np.pad(255 - image(255), 1, constant_values=255))
    found = read([tmp_path / "some.npz", tmp_path / "folder", tmp_path / "alone.png"])
    names = ("some.npz[0]", "some.npz[1]", "folder/below/a.PNG", "folder/z.png", "alone.png")
    assert found.names == [str(tmp_path / name) for name in names]
    assert found.pixels.max(axis=(1, 2)).tolist() == [1, 2, 4, 5, 255]
    assert found.pixels.dtype == np.uint8
    assert found.conversions[:4] == ["as it is"] * 4
    assert found.conversions[4] == "inverted, scaled from 30 x 30, centred by mass"


def test_an_npz_in_colour_and_of_another_size(tmp_path):
    pixels = np.zeros((1, 60, 50, 3), np.uint8)
    pixels[0, 10:50, 20:30] = 255
    np.savez(tmp_path / "x.npz", images=pixels)
    found = read([tmp_path / "x.npz"], max_pixel=16)
    assert found.conversions == [
        "grey, stretched to 0..16, scaled from 50 x 60, centred by mass",
    ]
    expected = np.zeros((28, 28), np.uint8)
    expected[4:24, 12:17] = 16
    np.testing.assert_array_equal(found.pixels[0], expected)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"y_train": np.zeros(1)}, "x.npz has no array images; it needs images"),
        ({"images": np.zeros((1, 28, 28), int)}, "x.npz: images are int64 where uint8, or floats"),
        ({"images": np.full((1, 28, 28), 1.5)}, "x.npz: images are floats from 1.5 to 1.5 where"),
        ({"images": np.zeros((28, 28), np.uint8)}, r"x.npz: images are of shape \(28, 28\) where"),
        (
            {"images": np.zeros((0, 28, 28), np.uint8)},
            "x.npz: images are none where at least one is needed",
        ),
        (
            {"images": np.zeros((1, 9, 9, 4), np.uint8)},
            r"x.npz: images are of shape \(1, 9, ",
        ),
        ({"images": np.array(["a"], object)}, "x.npz: images holds Python objects, which are"),
    ],
)
def test_a_wrong_npz_is_one_sentence(tmp_path, arrays, sentence):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=sentence):
        read([tmp_path / "x.npz"])


def test_what_is_missing_or_something_else_is_one_sentence(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty").mkdir()
    for name, sentence in (
        ("no.png", "no.png cannot be read: No such file or directory"),
        ("no.npz", "no.npz cannot be read: No such file or directory"),
        ("text.png", "text.png is not a PNG, JPEG, WebP, BMP or TIFF file"),
        ("empty", "empty has no PNG, JPEG, WebP, BMP or TIFF files; give a folder that has some"),
    ):
        with pytest.raises(InputError, match=f"^{re.escape(str(tmp_path))}/{sentence}$"):
            read([tmp_path / name])


@pytest.mark.parametrize("part", range(5, 95, 9))
def test_a_file_cut_anywhere_is_refused(tmp_path, part):
    path = png(tmp_path / "cut.png", np.random.default_rng(0).integers(0, 255, (40, 40), np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * part // 100])
    with pytest.raises(InputError, match=r"cut.png is not an intact picture: .*truncated"):
        read([path])


@pytest.mark.parametrize("side", [7_072, 10_000, 40_000])
def test_an_image_of_too_many_pixels_is_refused_before_it_is_unpacked(tmp_path, side):
    small = png(tmp_path / "bomb.png", image(1)).read_bytes()
    header = b"IHDR" + side.to_bytes(4) * 2 + small[24:29]
    bomb = small[:12] + header + zlib.crc32(header).to_bytes(4) + small[33:]
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(InputError) as error:
        read([tmp_path / "bomb.png"])
    assert str(error.value) == (
        f"{tmp_path}/bomb.png has more than 50,000,000 pixels; give it in a smaller size"
    )


@pytest.mark.parametrize("form", ["grey", "colour"])
def test_an_npz_of_too_large_images_is_refused_before_it_is_unpacked(tmp_path, form):
    shape = (1, 7_072, 7_072) if form == "grey" else (1, 7_072, 7_072, 3)
    np.savez_compressed(tmp_path / "bomb.npz", images=np.zeros(shape, np.uint8))
    with pytest.raises(InputError) as error:
        read([tmp_path / "bomb.npz"])
    assert str(error.value) == (
        f"{tmp_path}/bomb.npz: images: an image has more than 50,000,000 pixels; "
        "give it in a smaller size"
    )


def test_more_images_than_one_call_may_have_are_told_before_any_is_read(tmp_path):
    for name, images in (("a", 600_000), ("b", 400_000), ("c", 1)):
        np.savez_compressed(tmp_path / f"{name}.npz", images=np.zeros((images, 1, 1), np.uint8))
    count_images([tmp_path / "a.npz", tmp_path / "b.npz"])
    with pytest.raises(InputError) as error:
        count_images([tmp_path / "a.npz", tmp_path / "b.npz", tmp_path / "c.npz"])
    assert str(error.value) == (
        f"with {tmp_path}/c.npz there are more than 1000000 images; give them in parts"
    )


def test_a_png_of_too_many_bytes_is_not_read(tmp_path):
    with png(tmp_path / "a.png", image(1)).open("r+b") as file:
        file.truncate(2**28 + 1)
    with pytest.raises(InputError, match=r"a.png has more than 268435456 bytes; give a smaller"):
        read([tmp_path / "a.png"])


@pytest.mark.parametrize("name", ["a.png", "a.npz", "folder/a.png"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_regular_file_is_not_read(tmp_path, name, kind):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match=f"^{path} is (not a regular file|a link out of)"):
        read([path.parent if "/" in name else path])


@pytest.mark.parametrize("target", ["elsewhere/a.png", "/dev/zero", "folder/../elsewhere/a.png"])
def test_a_link_out_of_a_folder_is_not_read(tmp_path, target):
    (tmp_path / "elsewhere").mkdir()
    png(tmp_path / "elsewhere" / "a.png", image(7))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link.png").symlink_to(tmp_path / target)
    with pytest.raises(InputError) as error:
        read([tmp_path / "folder"])
    assert str(error.value) == (
        f"{tmp_path}/folder/link.png is a link out of {tmp_path}/folder; "
        "give what it points at itself"
    )


def test_a_link_within_a_folder_is_read(tmp_path):
    png(tmp_path / "a.png", image(7))
    (tmp_path / "b.png").symlink_to("a.png")
    assert len(read([tmp_path]).pixels) == 2


def test_a_link_to_a_regular_file_is_read(tmp_path):
    (tmp_path / "link.png").symlink_to(png(tmp_path / "a.png", image(7)))
    assert read([tmp_path / "link.png"]).pixels.max() == 7


def test_a_folder_too_deep_for_the_system_is_one_sentence(deep_folder):
    with pytest.raises(InputError, match=r"^.*/in/in cannot be read: File name too long$"):
        read([deep_folder])


class KeptModel:
    """A registry of one model, or of none."""

    name = "two-node-3-8"

    def __init__(self, path: Path | None = None, version: SimpleNamespace = VERSION):
        self.path = path
        self.version = version
        self.sha256 = path and file_sha256(path)

    def champion(self):
        return self.path and self.version

    def model_path(self, version):
        if file_sha256(self.path) != self.sha256:
            raise DamagedError(f"{self.path} is not what was stored")
        return self.path


@pytest.fixture
def registry(tmp_path: Path) -> KeptModel:
    (tmp_path / "model.onnx").write_bytes(middle_pixel(2))
    return KeptModel(tmp_path / "model.onnx")


def run(registry: KeptModel, *arguments: object) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.predict.only_model", lambda store, uri: registry.name)
        patch.setattr("flows.predict.Registry", lambda store, uri, name: registry)
        typed = [str(argument) for argument in arguments]
        return run_command(SCRIPT, "", PredictConfig, label_with_champion, typed)


def test_images_in_and_a_table_out(tmp_path, registry, capsys):
    np.savez(tmp_path / "some.npz", images=np.stack([image(255), image(128)]))
    seen = png(tmp_path / "seen.png", np.dstack([np.pad(image(255), 1)] * 3))
    output = tmp_path / "labels.csv"
    assert run(registry, tmp_path / "some.npz", seen, "--output", output) == 0
    assert output.read_text() == (
        "image,label,probability,refused,conversion\n"
        f"{tmp_path}/some.npz[0],8,1.0,false,as it is\n"
        f"{tmp_path}/some.npz[1],8,0.5019608,true,as it is\n"
        f'{seen},8,1.0,false,"grey, scaled from 30 x 30, centred by mass"\n'
    )
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(r"3 images, 1 refused, 1 converted, [\d,]+ images/s\n", said.err)


def nearest_mean_model(images: np.ndarray, labels: np.ndarray):
    """The class whose mean image is nearest is the most probable."""
    import keras

    means = np.stack([images[labels == label].mean(axis=0).ravel() / 255 for label in range(10)])
    pixels = keras.Input((28, 28, 1))
    scaled = keras.layers.Rescaling(1 / 255)(keras.layers.Flatten()(pixels))
    dense = keras.layers.Dense(10, activation="softmax")
    model = keras.Model(pixels, dense(scaled))
    dense.set_weights([2 * means.T, -(means**2).sum(axis=1)])
    return model


@pytest.mark.parametrize("form", ["npz", "L", "RGB", "P"])
def test_images_of_the_training_format_get_the_labels_that_the_model_gives_them(tmp_path, form):
    images, labels = squares(400, seed=1)
    shown, _ = squares(100, seed=2)
    images, shown = 255 - images, 255 - shown  # dark squares on a light ground
    model = nearest_mean_model(images, labels)
    expected = model.predict(shown[..., None], verbose=0).argmax(axis=1).tolist()
    (tmp_path / "model.onnx").write_bytes(as_onnx(model, tuple(range(10))))
    if form == "npz":
        np.savez(tmp_path / "shown.npz", images=shown)
    for row, pixels in enumerate(() if form == "npz" else shown):
        picture = Image.fromarray(pixels).convert(form)
        picture.save(tmp_path / f"{row:02}.png")
    version = SimpleNamespace(**vars(VERSION) | {"classes": tuple(range(10))})
    registry = KeptModel(tmp_path / "model.onnx", version)
    path = tmp_path / "shown.npz" if form == "npz" else tmp_path
    assert run(registry, path, "--output", tmp_path / "labels.csv") == 0
    with (tmp_path / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["label"]) for row in rows] == expected == (np.arange(100) % 10).tolist()
    assert {row["conversion"] for row in rows} == {"as it is"}


@pytest.mark.parametrize("order", ["C", "F"])
def test_neither_parts_nor_files_change_what_the_model_says(tmp_path, registry, order):
    levels = np.random.default_rng(0).integers(0, 256, 5_400).astype(np.uint8)
    images = np.zeros((5_400, 28, 28), np.uint8)
    images[:, 14, 14] = levels
    expected = labelled(middle_pixel(2), images)
    np.savez_compressed(tmp_path / "a.npz", images=np.asarray(images[:5_299], order=order))
    np.savez(tmp_path / "b.npz", images=images[5_300:])
    middle = png(tmp_path / "b.png", images[5_299])
    output = tmp_path / "labels.csv"
    assert run(registry, tmp_path / "a.npz", middle, tmp_path / "b.npz", "--output", output) == 0
    with output.open() as file:
        found = list(csv.DictReader(file))
    assert [row["image"] for row in found[5_297:5_302]] == [
        *(f"{tmp_path}/a.npz[{row}]" for row in (5_297, 5_298)),
        str(middle),
        *(f"{tmp_path}/b.npz[{row}]" for row in (0, 1)),
    ]
    assert [int(row["label"]) for row in found] == [row.label for row in expected]
    probabilities = np.array([row["probability"] for row in found], np.float32)
    theirs = np.array([row.probability for row in expected], np.float32)
    np.testing.assert_array_equal(probabilities, theirs)


def test_an_error_after_thousands_of_images_writes_nothing(tmp_path, registry, capsys):
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((5_001, 28, 28), np.uint8))
    damaged = png(tmp_path / "b.png", image(255))
    damaged.write_bytes(damaged.read_bytes()[:50])
    output = tmp_path / "labels.csv"
    output.write_text("old")
    before = sorted(tmp_path.iterdir())
    for more in (("--output", output), ()):
        assert run(registry, tmp_path / "a.npz", damaged, *more) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(f"error: {damaged} is not an intact picture: ")
    assert output.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == before


def test_json_goes_to_the_standard_output(tmp_path, registry, capsys):
    assert run(registry, png(tmp_path / "a.png", image(255)), "--format", "json") == 0
    said = capsys.readouterr()
    assert [row["label"] for row in json.loads(said.out)["images"]] == [8]
    assert said.err.startswith("1 image, 0 refused, 0 converted, ")


def test_without_a_champion_a_sentence_says_how_to_get_one(tmp_path, capsys):
    assert run(KeptModel(), tmp_path / "a.png") == 2
    assert capsys.readouterr().err == (
        "error: there is no champion of two-node-3-8 yet; run `python flows/retrain.py`\n"
    )


def test_an_altered_model_is_not_loaded_and_nothing_is_written(tmp_path, registry, capsys):
    with registry.path.open("ab") as file:
        file.write(b"more")
    seen, output = png(tmp_path / "a.png", image(255)), tmp_path / "labels.csv"
    assert run(registry, seen, "--output", output) == 1
    assert capsys.readouterr().err == f"error: {registry.path} is not what was stored\n"
    assert not output.exists()


def test_a_bad_image_leaves_the_output_as_it_was(tmp_path, registry, capsys):
    output = tmp_path / "labels.csv"
    output.write_text("old")
    seen = png(tmp_path / "a.png", image(255))
    assert run(registry, seen, tmp_path / "no.png", "--output", output) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/no.png cannot be read: No such file or directory\n"
    )
    assert output.read_text() == "old"


def test_ctrl_c_says_that_nothing_was_written(capsys):
    def interrupt(arguments: PredictConfig) -> None:
        raise KeyboardInterrupt

    assert run_command(SCRIPT, "", PredictConfig, interrupt, ["a.png"]) == 130
    assert capsys.readouterr().err == "error: interrupted; nothing was written\n"


def test_names_that_look_like_json_are_paths():
    seen: list[PredictConfig] = []
    arguments = ["0", "[1].png", 'a "b" {c}.png', "true"]
    assert run_command(SCRIPT, "", PredictConfig, seen.append, arguments) == 0
    assert [str(path) for path in seen[0].images] == arguments


def test_the_environment_sets_options_too(monkeypatch):
    seen: list[PredictConfig] = []
    monkeypatch.setenv("TRANSFER_FORMAT", "json")
    assert run_command(SCRIPT, "", PredictConfig, seen.append, ["a.png", "--model", "x"]) == 0
    assert (seen[0].format, seen[0].model, seen[0].registry) == ("json", "x", None)


def test_help_imports_neither_prefect_nor_tensorflow():
    finished = subprocess.run(
        [sys.executable, "-X", "importtime", "flows/predict.py", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0
    assert "IMAGES [IMAGES ...]" in finished.stdout
    imported = set(re.findall(r"\| +(\w+)", finished.stderr))
    assert "pydantic_settings" in imported
    assert not imported & {"prefect", "tensorflow", "keras", "pandas", "scipy", "mlflow"}
