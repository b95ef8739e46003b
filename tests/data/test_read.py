from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.data.read import find_source, read_source
from tasks.data.source import Images
from tasks.errors import InputError

RIGHT_SHAPE = (
    "(n, height, width), (n, height, width, 1) or (n, height, width, 3) is right, "
    "with at least one pixel"
)


def read_saved(path: Path, **changed: Any) -> Images:
    arrays = {
        "x_train": np.zeros((2, 28, 28), np.uint8),
        "y_train": np.array([0, 9], np.int64),
        "x_test": np.zeros((2, 28, 28), np.uint8),
        "y_test": np.array([9, 0], np.uint8),
    }
    np.savez(path, **{**arrays, **changed})
    return read_source(find_source(str(path), 0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.npz"


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i4", ">i4", "<i8", "<u8"])
def test_labels_of_any_integer_type_become_uint8(path, dtype):
    images = read_saved(path, y_train=np.array([0, 9], dtype))

    assert images.train_labels.dtype == images.test_labels.dtype == np.uint8
    assert images.train_labels.tolist() == [0, 1]
    assert images.test_labels.tolist() == [1, 0]
    assert images.classes == (0, 9)


@pytest.mark.parametrize(
    ("labels", "classes", "positions"),
    [([0, 10], (0, 10), [0, 1]), ([9, -1], (-1, 9), [1, 0]), ([256, 9], (9, 256), [1, 0])],
)
def test_labels_are_positions_in_the_classes_that_occur(path, labels, classes, positions):
    images = read_saved(path, y_train=np.array(labels), y_test=np.array(labels))

    assert images.classes == classes
    assert images.train_labels.tolist() == images.test_labels.tolist() == positions


def test_images_keep_their_pixels(path):
    pixels = np.arange(2 * 784).reshape(2, 28, 28).astype(np.uint8)

    images = read_saved(path, x_train=pixels)

    assert images.train_images.dtype == np.uint8
    np.testing.assert_array_equal(images.train_images, pixels)


def test_floats_within_0_and_1_become_pixels_without_a_channel_axis(path):
    floats = np.array([0, 0.2, 1]).repeat(784).reshape(3, 28, 28, 1)

    images = read_saved(path, x_train=floats, y_train=np.array([0, 9, 9]))

    assert images.train_images.dtype == np.uint8
    assert images.train_images.shape == (3, 28, 28)
    assert images.train_images[:, 0, 0].tolist() == [0, 51, 255]


@pytest.mark.parametrize(
    ("name", "array", "sentence"),
    [
        (
            "x_train",
            np.full((2, 28, 28), 255.0),
            "training images are floats from 255 to 255 where 0 to 1, or uint8 of 0 to 255, "
            "are right",
        ),
        (
            "x_test",
            np.zeros((2, 28, 28), int),
            "test images are int64 where uint8, or floats within 0..1, are right",
        ),
        (
            "x_train",
            np.zeros((2, 28, 28, 2), np.uint8),
            f"training images are of shape (2, 28, 28, 2) where {RIGHT_SHAPE}",
        ),
        (
            "x_test",
            np.zeros((2, 784), np.uint8),
            f"test images are of shape (2, 784) where {RIGHT_SHAPE}",
        ),
        (
            "x_test",
            np.zeros((2, 28, 29), np.uint8),
            "a training image has shape (28, 28) and a test image (28, 29) "
            "where one shape is right",
        ),
        (
            "x_test",
            np.zeros((0, 28, 28), np.uint8),
            "test images are none where at least one is needed",
        ),
        (
            "y_train",
            np.zeros(2),
            "training labels are float64 where integers or text are right",
        ),
        (
            "y_train",
            np.array([3, "NaT"], "m8[s]"),
            "training labels are timedelta64[s] where integers or text are right",
        ),
        (
            "y_test",
            np.array([3, 4], "M8[s]"),
            "test labels are datetime64[s] where integers or text are right",
        ),
        ("y_test", np.zeros(2, bool), "test labels are bool where integers or text are right"),
        (
            "y_train",
            np.zeros(3, np.uint8),
            "training labels are of shape (3,) where (2,) is right",
        ),
        (
            "y_test",
            np.zeros((2, 10), np.uint8),
            "test labels are of shape (2, 10) where (2,) is right",
        ),
        (
            "y_train",
            np.array([9, 9]),
            "class 0 has too few images (0 to train on, 1 to test on), and needs at least one of "
            "each, not the same; give it more or leave it out",
        ),
    ],
)
def test_each_wrong_array_is_told(path, name, array, sentence):
    with pytest.raises(InputError) as caught:
        read_saved(path, **{name: array})

    assert str(caught.value) == f"{path}: {sentence}"


def test_a_file_that_is_gone_is_told(path):
    read_saved(path)
    source = find_source(str(path), 0)
    path.unlink()

    with pytest.raises(InputError, match=f"{path} cannot be read: .*No such file"):
        read_source(source)
