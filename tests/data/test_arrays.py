"""Images and labels as arrays: what leaves nothing unclear is taken, the rest is told."""

import numpy as np
import pytest

from tasks.data.arrays import as_labels, as_pixels
from tasks.errors import InputError


def test_bytes_are_taken_as_they_are_with_and_without_an_axis_of_one_channel():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.testing.assert_array_equal(as_pixels(pixels, "x"), pixels)
    np.testing.assert_array_equal(as_pixels(pixels[..., None], "x"), pixels)


def test_colours_keep_their_axis():
    assert as_pixels(np.zeros((5, 8, 9, 3), np.uint8), "x").shape == (5, 8, 9, 3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_whole_255ths_become_bytes_without_a_warning(dtype, caplog):
    pixels = np.array([[[0, 1, 128, 255]]], np.uint8)
    floats = (pixels / 255).astype(dtype)
    if dtype == np.float16:  # which is not exact enough for all
        floats = np.array([[[0, 0, 1, 1]]], dtype)
        pixels = np.array([[[0, 0, 255, 255]]], np.uint8)
    found = as_pixels(floats, "x")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, pixels)
    assert caplog.text == ""


def test_other_floats_are_rounded_with_a_warning(caplog):
    found = as_pixels(np.array([[[0.5, 0.1]]]), "x.npz: images")
    assert found.tolist() == [[[128, 26]]]
    assert "x.npz: images are floats that are not whole 255ths" in caplog.text


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.full((1, 2, 2), 2.0), "x are floats from 2 to 2 where 0 to 1, or uint8 of 0 to 255, "),
        (np.full((1, 2, 2), -0.5), "x are floats from -0.5 to -0.5 where 0 to 1"),
        (np.full((1, 2, 2), np.nan), "x are floats from nan to nan where 0 to 1"),
        (np.zeros((1, 2, 2), int), "x are int64 where uint8, or floats within 0..1, are right"),
        (np.zeros((1, 2, 2), bool), "x are bool where uint8, or floats within 0..1, are right"),
        (np.zeros((1, 784), np.uint8), "x are of shape (1, 784) where (n, height, width), "),
        (
            np.zeros((1, 2, 2, 4), np.uint8),
            "x are of shape (1, 2, 2, 4) where (n, height, ",
        ),
        (np.zeros((1, 0, 2), np.uint8), "x are of shape (1, 0, 2) where (n, height, width), "),
    ],
)
def test_what_is_unclear_is_told(images, sentence):
    with pytest.raises(InputError) as caught:
        as_pixels(images, "x")
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array([3, 1]), [3, 1]),
        (np.array([[3], [1]]), [3, 1]),
        (np.array(["cat", "dog"]), ["cat", "dog"]),
        (np.array([b"cat", b"caf\xc3\xa9"]), ["cat", "café"]),
    ],
)
def test_labels_are_integers_or_text(labels, expected):
    assert as_labels(labels, 2, "y").tolist() == expected


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.zeros(2), "y are float64 where integers or text are right"),
        (np.zeros(2, bool), "y are bool where integers or text are right"),
        (np.array([1, "NaT"], "m8[s]"), "y are timedelta64[s] where integers or text are right"),
        (np.zeros(3, int), "y are of shape (3,) where (2,) is right"),
        (np.zeros((2, 10), int), "y are of shape (2, 10) where (2,) is right"),
    ],
)
def test_other_labels_are_told(labels, sentence):
    with pytest.raises(InputError) as caught:
        as_labels(labels, 2, "y")
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "labels",
    [np.array([0x110000], np.uint32).view("U1"), np.array([b"\xff"])],
    ids=["no character", "no UTF-8"],
)
def test_labels_that_are_no_text_are_told(labels):
    with pytest.raises(InputError, match=r"^labels are not text: "):
        as_labels(labels, 1, "labels")
