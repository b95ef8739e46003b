"""Drift: what is rejected is both large and significant."""

import re

import numpy as np
import pytest
from conftest import squares
from deliveries import reason

from tasks.arrivals.drift import check_drift, describe
from tasks.arrivals.validation import BadBatchError


def test_a_description_is_the_mean_and_the_deviation_of_each_image():
    images = np.zeros((2, 28, 28), np.uint8)
    images[0, :14], images[1] = 255, 7
    described = describe(images, np.array([4, 4], np.uint8), 10)
    assert described.label_counts.tolist() == [0, 0, 0, 0, 2, 0, 0, 0, 0, 0]
    assert described.brightness.tolist() == [127.5, 7]
    assert described.contrast.tolist() == [127.5, 0]


TRAIN_IMAGES, TRAIN_LABELS = squares(1000, seed=2)
TRAINING = describe(TRAIN_IMAGES, TRAIN_LABELS, 10)


def drifts(images, labels) -> str:
    """What drifts from `TRAINING`: "labels", "brightness" or "contrast"; empty if nothing does."""
    try:
        check_drift(describe(images, labels, 10), TRAINING)
    except BadBatchError as error:
        return re.match(r"its (?:images' )?(\w+)", str(error))[1]
    return ""


@pytest.mark.parametrize(
    ("size", "inverted"), [(1, ""), *((size, "brightness") for size in (5, 20, 100, 1000))]
)
def test_a_batch_of_any_size_from_the_same_source_has_not_drifted(size, inverted):
    images, labels = squares(1000, seed=3)
    rows = np.random.default_rng(4).choice(1000, size, replace=False)
    assert drifts(images[rows], labels[rows]) == ""
    assert drifts(255 - images[rows], labels[rows]) == inverted


def paler(images):
    """As bright as before, with a quarter of the contrast."""
    mean = images.mean(axis=(1, 2), keepdims=True)
    return (mean + (images - mean) / 4).round().astype(np.uint8)


@pytest.mark.parametrize(
    ("change", "what"),
    [(lambda x: 255 - x, "brightness"), (lambda x: x // 2, "brightness"), (paler, "contrast")],
    ids=["inverted", "dark", "pale"],
)
def test_pixels_that_drift_are_rejected(change, what):
    images, labels = squares(100, seed=3)
    assert reason(check_drift, describe(change(images), labels, 10), TRAINING) == (
        f"its images' {what} drifts from the training images' by a Kolmogorov-Smirnov distance of "
        "1.00 (p < 0.001) where up to 0.3 is right"
    )


def test_a_small_or_an_insignificant_drift_of_pixels_is_accepted():
    images, labels = squares(100, seed=3)
    assert drifts(np.roll(images, 3, axis=1), labels) == ""
    assert drifts(images // 2, labels) == "brightness"
    assert [drifts(255 - images[:n], labels[:n]) for n in (1, 5)] == ["", "brightness"]


def test_a_drift_of_pixels_that_is_significant_but_small_is_accepted():
    training = pixels_of(np.arange(200))
    check_drift(pixels_of(np.arange(50, 200)), training)  # a distance of 0.25
    assert "distance of 0.50 " in reason(check_drift, pixels_of(np.arange(100, 200)), training)


def pixels_of(levels):
    """Ten images in one grey of each level."""
    pixels = np.tile(levels.astype(np.uint8), 10)[:, None, None]
    images = np.broadcast_to(pixels, (len(pixels), 28, 28))
    return describe(images, np.zeros(len(images), np.uint8), 10)


def counted(labels):
    """Labels on images that are all alike, so that nothing else can drift."""
    labels = np.array(labels, np.uint8)
    return describe(np.full((len(labels), 28, 28), 9, np.uint8), labels, 10)


def test_labels_drift_where_the_difference_is_large_and_significant():
    training = counted([*range(10)] * 100)
    assert reason(check_drift, counted([3] * 10), training) == (
        "its labels drift from the training labels by a total variation distance of 0.90 "
        "(p < 0.001) where up to 0.25 is right"
    )
    check_drift(counted([3] * 3), training)  # large, but not significant
    check_drift(counted([*range(8)] * 400), training)  # significant, but only 0.20
    check_drift(counted([0, 0, 1, 2] * 400), counted([0, 1, 2, 3] * 100))  # 0.25, which is right
    assert "distance of 0.30 " in reason(check_drift, counted([*range(7)] * 400), training)


def test_a_label_that_was_never_trained_on_is_compared_too():
    training = counted([*range(9)] * 100)
    check_drift(counted([*range(10)] * 10), training)
    assert "distance of 1.00 " in reason(check_drift, counted([9] * 10), training)
    assert "distance of 0.89 " in reason(check_drift, counted([3] * 10), training)
