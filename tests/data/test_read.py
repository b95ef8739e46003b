from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.data.read import find_source, read_source
from tasks.data.source import Images
from tasks.errors import InputError


def read_saved(path: Path, **changed: Any) -> Images:
    arrays = {
        "x_train": np.zeros((2, 28, 28), np.uint8),
        "y_train": np.array([0, 9], np.int64),
        "x_test": np.zeros((1, 28, 28), np.uint8),
        "y_test": np.array([9], np.uint8),
    }
    np.savez(path, **{**arrays, **changed})
    return read_source(find_source(str(path), 0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.npz"


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i4", ">i4", "<i8", "<u8"])
def test_labels_of_any_integer_type_become_uint8(path, dtype):
    images = read_saved(path, y_train=np.array([3, 9], dtype))

    assert images.train_labels.dtype == images.test_labels.dtype == np.uint8
    assert images.train_labels.tolist() == [3, 9]
    assert images.test_labels.tolist() == [9]


def test_images_keep_their_pixels(path):
    pixels = np.arange(2 * 784).reshape(2, 28, 28).astype(np.uint8)

    images = read_saved(path, x_train=pixels)

    assert images.train_images.dtype == np.uint8
    np.testing.assert_array_equal(images.train_images, pixels)


@pytest.mark.parametrize(
    ("name", "array", "sentence"),
    [
        ("x_train", np.zeros((2, 28, 28)), "training images are float64 where uint8 is right"),
        ("x_test", np.zeros((1, 28, 28), int), "test images are int64 where uint8 is right"),
        (
            "x_train",
            np.zeros((2, 28, 28, 1), np.uint8),
            "training images have shape (2, 28, 28, 1) where (n, 28, 28) is right",
        ),
        (
            "x_test",
            np.zeros((1, 784), np.uint8),
            "test images have shape (1, 784) where (n, 28, 28) is right",
        ),
        (
            "x_test",
            np.zeros((0, 28, 28), np.uint8),
            "test images are none where at least one is needed",
        ),
        ("y_train", np.zeros(2), "training labels are float64 where an integer type is right"),
        (
            "y_train",
            np.array([3, "NaT"], "m8[s]"),
            "training labels are timedelta64[s] where an integer type is right",
        ),
        (
            "y_test",
            np.array([3], "M8[s]"),
            "test labels are datetime64[s] where an integer type is right",
        ),
        ("y_test", np.zeros(1, bool), "test labels are bool where an integer type is right"),
        (
            "y_train",
            np.zeros(3, np.uint8),
            "training labels have shape (3,) where (2,) is right",
        ),
        (
            "y_test",
            np.zeros((1, 10), np.uint8),
            "test labels have shape (1, 10) where (1,) is right",
        ),
        ("y_train", np.array([0, 10]), "training labels run from 0 to 10 where 0 to 9 is right"),
        ("y_train", np.array([-1, 9]), "training labels run from -1 to 9 where 0 to 9 is right"),
        ("y_test", np.array([256]), "test labels run from 256 to 256 where 0 to 9 is right"),
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
