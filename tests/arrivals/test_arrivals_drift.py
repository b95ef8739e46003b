"""Drift: what is rejected is both large and significant."""

import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import squares

from tasks.arrivals.drift import describe, find_drift, joined


def test_a_description_is_the_mean_and_the_deviation_of_each_image():
    images = np.zeros((2, 28, 28), np.uint8)
    images[0, :14], images[1] = 255, 7
    described = describe(images, np.array([4, 4], np.uint8), 10, np.array([0.5, 1]))
    assert described.label_counts.tolist() == [0, 0, 0, 0, 2, 0, 0, 0, 0, 0]
    assert described.brightness.tolist() == [127.5, 7]
    assert described.contrast.tolist() == [127.5, 0]
    twice = joined([described, described])
    assert twice.label_counts.tolist() == [0, 0, 0, 0, 4, 0, 0, 0, 0, 0]
    assert twice.brightness.tolist() == [127.5, 7, 127.5, 7]
    assert twice.contrast.tolist() == [127.5, 0, 127.5, 0]
    assert twice.similarity.tolist() == [0.5, 1, 0.5, 1]


TRAIN_IMAGES, TRAIN_LABELS = squares(1000, seed=2)
NONE = np.empty(0)  # no similarity, which is compared by itself below
TRAINING = describe(TRAIN_IMAGES, TRAIN_LABELS, 10, NONE)


def drifts(images, labels) -> str:
    """What drifts from `TRAINING`: "labels", "brightness" or "contrast"; empty if nothing does."""
    found = find_drift(describe(images, labels, 10, NONE), TRAINING)
    return found and re.match(r"(?:images' )?(\w+)", found)[1]


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
    assert find_drift(describe(change(images), labels, 10, NONE), TRAINING) == (
        f"images' {what} drifts from the training images' by a Kolmogorov-Smirnov distance of "
        "1.00 (p < 0.001) where up to 0.3 is right"
    )


def test_a_small_or_an_insignificant_drift_of_pixels_is_accepted():
    images, labels = squares(100, seed=3)
    assert drifts(np.roll(images, 3, axis=1), labels) == ""
    assert drifts(images // 2, labels) == "brightness"
    assert [drifts(255 - images[:n], labels[:n]) for n in (1, 5)] == ["", "brightness"]


def test_a_drift_of_pixels_that_is_significant_but_small_is_accepted():
    training = pixels_of(np.arange(200))
    assert find_drift(pixels_of(np.arange(50, 200)), training) == ""  # a distance of 0.25
    assert "distance of 0.50 " in find_drift(pixels_of(np.arange(100, 200)), training)


def pixels_of(levels):
    """Ten images in one grey of each level."""
    pixels = np.tile(levels.astype(np.uint8), 10)[:, None, None]
    images = np.broadcast_to(pixels, (len(pixels), 28, 28))
    return describe(images, np.zeros(len(images), np.uint8), 10, NONE)


def counted(labels):
    """Labels on images that are all alike, so that nothing else can drift."""
    labels = np.array(labels, np.uint8)
    return describe(np.full((len(labels), 28, 28), 9, np.uint8), labels, 10, NONE)


def test_labels_drift_where_the_difference_is_large_and_significant():
    training = counted([*range(10)] * 100)
    assert find_drift(counted([3] * 10), training) == (
        "labels drift from the training labels by a total variation distance of 0.90 "
        "(p < 0.001) where up to 0.25 is right"
    )
    assert find_drift(counted([3] * 3), training) == ""  # large, but not significant
    assert find_drift(counted([*range(8)] * 400), training) == ""  # significant, but only 0.20
    assert (
        find_drift(counted([0, 0, 1, 2] * 400), counted([0, 1, 2, 3] * 100)) == ""
    )  # 0.25, which is right
    assert "distance of 0.30 " in find_drift(counted([*range(7)] * 400), training)


def test_a_label_that_was_never_trained_on_is_compared_too():
    training = counted([*range(9)] * 100)
    assert find_drift(counted([*range(10)] * 10), training) == ""
    assert "distance of 1.00 " in find_drift(counted([9] * 10), training)
    assert "distance of 0.89 " in find_drift(counted([3] * 10), training)


def test_a_drift_of_similarity_is_large_and_significant():
    def similar(values):
        return replace(TRAINING, similarity=np.asarray(values))

    training = similar(np.linspace(0.5, 1, 200))
    assert find_drift(similar(np.linspace(0.3, 0.7, 40)), training) == (
        "images' similarity drifts from the training images' by a Kolmogorov-Smirnov distance of "
        "0.60 (p < 0.001) where up to 0.3 is right"
    )
    assert find_drift(similar(np.linspace(0.6, 1, 40)), training) == ""  # a distance of 0.2
    assert find_drift(similar(np.linspace(0.3, 0.7, 6)), training) == ""  # so few may be chance
