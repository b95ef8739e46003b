"""One set of images in each form: as data set, as a batch and for prediction, by the same code."""

import csv
import gzip
import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import squares
from deliveries import look
from PIL import Image

from tasks.arrivals.decode import decode_folder, decode_npz
from tasks.data.held_out import fingerprints
from tasks.data.idx import IDX_NAMES
from tasks.data.read import find_source, read_source
from tasks.errors import InputError
from tasks.prediction.reading import count_images, read_images
from tasks.schemas.images import LabelledImages, Preparation
from tasks.storage.store import Store

CLASSES = (3, 7)
PREPARATION = Preparation(height=12, width=10, channels=1)
DATA = LabelledImages.model_construct(classes=CLASSES, preparation=PREPARATION)
LABELS = np.array([3, 7, 7, 3, 3, 7], np.uint8)
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 12, 10), np.uint8)


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def save_folders(folder: Path) -> Path:
    for row, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        path = folder / str(label) / "deeper" / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(image))
    return folder


def save_list(folder: Path) -> Path:
    (folder / "pictures").mkdir()
    with (folder / "list.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["label", "path"])
        for row, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
            (folder / "pictures" / f"{row}.png").write_bytes(png(image))
            lines.writerow([label, f"pictures/{row}.png"])
    return folder / "list.csv"


def save_npz(folder: Path) -> Path:
    np.savez(folder / "all.npz", x_train=IMAGES, y_train=LABELS)
    return folder / "all.npz"


def save_plain_npz(folder: Path) -> Path:
    np.savez(folder / "all.npz", images=IMAGES[..., None] / 255, labels=LABELS.astype(str))
    return folder / "all.npz"


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", 2048 + array.ndim, *array.shape) + array.tobytes()


def save_idx(folder: Path, name: str, images: np.ndarray, labels: np.ndarray) -> None:
    for file, array in (("images-idx3-ubyte.gz", images), ("labels-idx1-ubyte.gz", labels)):
        (folder / f"{name}-{file}").write_bytes(gzip.compress(idx(array)))


def save_training_idx(folder: Path) -> Path:
    save_idx(folder, "train", IMAGES, LABELS)
    return folder


FORMS = [save_folders, save_list, save_npz, save_plain_npz, save_training_idx]
Save = Callable[[Path], Path]


def contents(path: Path) -> dict[str, bytes]:
    folder = path if path.is_dir() else path.parent
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in files}


def in_one_order(images: np.ndarray, *more: np.ndarray) -> list[tuple[bytes, ...]]:
    return sorted(zip(fingerprints(images), *map(np.ndarray.tolist, more), strict=True))


@pytest.mark.parametrize("save", FORMS)
def test_a_batch_of_each_form_is_the_same_images(tmp_path, save: Save):
    path = save(tmp_path)
    if path.suffix == ".npz":
        found = decode_npz(path.read_bytes(), DATA)
    else:
        found = decode_folder(contents(path), DATA)
    expected = in_one_order(IMAGES, LABELS == 7)
    assert in_one_order(found.images, found.labels == 1) == expected


@pytest.mark.parametrize("save", FORMS)
def test_each_form_is_read_for_prediction(tmp_path, save: Save):
    path = save(tmp_path)
    count_images([path])
    (found,) = read_images([path], PREPARATION)
    assert set(found.conversions) == {"as it is"}
    assert in_one_order(found.pixels) == in_one_order(IMAGES)
    first = {".npz": "all.npz[0]", ".csv": "pictures/0.png"}
    if path.suffix in first:
        assert found.names[0] == str(path.parent / first[path.suffix])
    if save is save_training_idx:
        assert found.names[0] == f"{path}/train-images-idx3-ubyte.gz[0]"


@pytest.mark.parametrize("save", [*FORMS[:4], "idx"])
def test_a_data_set_of_each_form_is_the_same_images(tmp_path, save):
    if save == "idx":  # which always has a test set
        save_idx(tmp_path, "train", IMAGES[:4], LABELS[:4])
        save_idx(tmp_path, "t10k", IMAGES[4:], LABELS[4:])
    found = read_source(find_source(str(tmp_path if save == "idx" else save(tmp_path)), 0))
    images = np.concatenate([found.train_images, found.test_images])
    labels = np.concatenate([found.train_labels, found.test_labels])
    assert found.classes == CLASSES
    assert found.preparation == PREPARATION
    assert in_one_order(images, labels == 1) == in_one_order(IMAGES, LABELS == 7)


@pytest.mark.parametrize("save", [save_list, save_training_idx])
def test_a_folder_without_class_folders_is_taken_from_the_inbox(tmp_path, save: Save):
    images, labels = squares(200, seed=3)
    folder = tmp_path / "inbox" / "monday"
    folder.mkdir(parents=True)
    if save is save_training_idx:
        save_idx(folder, "train", images, labels)
    else:
        for row, image in enumerate(images):
            (folder / f"{row}.png").write_bytes(png(image))
        lines = [f"{row}.png,{label}" for row, label in enumerate(labels)]
        (folder / "list.csv").write_text("\n".join(["path,label", *lines]))
    store = Store(tmp_path / "artifacts")
    arrivals = look(tmp_path / "inbox", store)
    assert (arrivals.new, arrivals.quarantined) == (("monday",), ())
    (batch,) = arrivals.used
    expected = in_one_order(images, labels)
    assert in_one_order(store.array(batch.images), store.array(batch.labels)) == expected
    assert look(tmp_path / "inbox", store).new == ()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"list.csv": b"path,label\npictures/9.png,3\n"},
            "list.csv lists pictures/9.png, which is no picture of the batch",
        ),
        (
            {"list.csv": b"path,label\n../secret.png,3\n"},
            "list.csv lists ../secret.png, which is no picture of the batch",
        ),
        (
            {"list.csv": b"path,label\npictures/0.png,3\n./pictures/0.png,7\n"},
            "list.csv lists ./pictures/0.png as 3 and 7",
        ),
        (
            {"list.csv": b"path,label,split\npictures/0.png,3,test\n"},
            "it has test images where a batch has images to train on alone; leave them out",
        ),
        (
            {"list.csv": b"path,label\npictures/0.png,4\n"},
            "the data have no class 4; there are 3, 7",
        ),
        (
            {"list.csv": b"path,name\npictures/0.png,3\n"},
            "list.csv has no column label; it needs path and label",
        ),
        ({"list.csv": b"path,label\n"}, "it has 0 images where 1 to 100000 are right"),
        ({"more.csv": b""}, "it has 2 CSV files where one is right"),
    ],
)
def test_a_wrong_list_is_one_sentence(tmp_path, change, sentence):
    with pytest.raises(InputError) as error:
        decode_folder(contents(save_list(tmp_path)) | change, DATA)
    assert str(error.value) == sentence


def test_idx_files_without_labels_or_to_test_on_are_one_sentence(tmp_path):
    whole = contents(save_training_idx(tmp_path))
    images, labels = (f"{name}.gz" for name in IDX_NAMES[:2])
    for files, sentence in (
        ({images: whole[images]}, "it has no file train-labels-idx1-ubyte; give images and labels"),
        (whole | {"t10k-labels-idx1-ubyte": b""}, "it has test images where a batch has images"),
        (whole | {labels: whole[images]}, f"{labels} starts with the number 2051 where 2049 is"),
        (whole | {images: whole[images][:-9]}, f"{images} is not an intact gzip file"),
    ):
        with pytest.raises(InputError, match=f"^{sentence}"):
            decode_folder(files, DATA)


def test_an_npz_to_test_on_is_no_batch():
    file = io.BytesIO()
    np.savez(file, x_train=IMAGES, y_train=LABELS, x_test=IMAGES, y_test=LABELS)
    with pytest.raises(InputError, match=r"^it has test images where a batch has images to"):
        decode_npz(file.getvalue(), DATA)


def test_class_folders_go_before_a_list_beside_them(tmp_path):
    save_folders(tmp_path)
    (tmp_path / "list.csv").write_text("path,label\n3/deeper/0.png,7\n")
    found = decode_folder(contents(tmp_path), DATA)
    assert in_one_order(found.images, found.labels == 1) == in_one_order(IMAGES, LABELS == 7)


def test_of_an_npz_prediction_takes_the_test_images_before_the_training_images(tmp_path):
    np.savez(tmp_path / "all.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:2], y_test=[3, 7])
    (found,) = read_images([tmp_path / "all.npz"], PREPARATION)
    np.testing.assert_array_equal(found.pixels, IMAGES[:2])


def test_a_list_for_prediction_needs_no_labels(tmp_path):
    save_folders(tmp_path)
    (tmp_path / "list.csv").write_text("path\n7/deeper/1.png\n")
    (found,) = read_images([tmp_path / "list.csv"], PREPARATION)
    np.testing.assert_array_equal(found.pixels, IMAGES[1:2])
