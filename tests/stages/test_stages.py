"""The pure function of each data stage: literal arrays in, literal arrays out."""

import numpy as np
import pytest

from flows.recipes import RECIPES
from tasks.compare import count_classes
from tasks.data.splits import encode, select_classes
from tasks.evaluate import score
from tasks.extract_unknown import unknown_images
from tasks.networks.inference import evenly, predicted_classes
from tasks.networks.losses import targets_for
from tasks.schemas.images import with_channel
from tasks.schemas.results import LEARNED, NOT_LEARNED

SQUARES, ENTROPY = RECIPES["notebook"].head, RECIPES["tuned"].head
ONE_HOT = np.array([[1, 0], [0, 1], [0, 1], [1, 0]], np.float32)


def test_reshape_adds_a_channel():
    assert with_channel((60000, 28, 28)) == (60000, 28, 28, 1)
    assert with_channel((60000, 28, 28, 3)) == (60000, 28, 28, 3)


def test_filter_keeps_rows_and_counts_labels_from_zero():
    subset = select_classes(np.array([0, 5, 1, 1, 9, 0], np.uint8), (0, 1))
    assert subset.rows.tolist() == [0, 2, 3, 5]
    assert subset.labels.tolist() == [0, 1, 1, 0]


def test_filter_labels_follow_the_order_given():
    subset = select_classes(np.array([3, 7, 2, 7], np.uint8), (7, 2, 3))
    assert subset.rows.tolist() == [0, 1, 2, 3]
    assert subset.labels.tolist() == [2, 0, 1, 0]


def test_filter_passes_over_a_class_without_images():
    subset = select_classes(np.array([0, 9, 1], np.uint8), (4, 0))
    assert subset.rows.tolist() == [0]
    assert subset.labels.tolist() == [1]


def test_images_of_unknown_classes_are_all_others():
    labels = np.array([0, 5, 1, 1, 9, 0], np.uint8)
    images = np.arange(6, dtype=np.uint8)[:, None, None].repeat(2, axis=1).repeat(2, axis=2)
    found = dict(unknown_images(images, labels, (0, 1), (0, 1, 5)))
    assert found[LEARNED][:, 0, 0].tolist() == [1]
    assert found[NOT_LEARNED][:, 0, 0].tolist() == [4]
    found = dict(unknown_images(images, labels, (0, 1, 5, 9), ()))
    assert not found.keys() & {LEARNED, NOT_LEARNED}


def test_rows_are_thinned_out_evenly():
    rows = np.array([2, 3, 5, 7, 11, 13, 17])
    assert evenly(rows, 4).tolist() == [2, 5, 11, 17]
    assert evenly(rows, 7) is rows


def test_images_are_counted_by_class_and_split():
    train, test = np.array([2, 0, 2], np.uint8), np.array([0, 0, 3], np.uint8)
    assert count_classes(train, test, ("cat", "cow", "dog", "eel")) == [
        {"class": "cat", "train": 1, "test": 2},
        {"class": "cow", "train": 0, "test": 0},
        {"class": "dog", "train": 2, "test": 0},
        {"class": "eel", "train": 0, "test": 1},
    ]


def test_one_hot_has_a_column_a_class():
    encoded = encode(np.array([1, 0, 2], np.uint8), 3)
    assert encoded.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert encoded.dtype == np.float32


def test_targets_of_one_node_come_back_by_argmax():
    assert targets_for(1, ONE_HOT).tolist() == [[0], [1], [1], [0]]
    assert targets_for(2, ONE_HOT) is ONE_HOT


def test_one_node_cannot_tell_three_classes_apart():
    with pytest.raises(ValueError, match="1 output nodes cannot tell 3 classes apart"):
        targets_for(1, np.eye(3, dtype=np.float32))


def test_predictions_of_both_heads():
    assert predicted_classes(np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)).tolist() == [0, 1]
    assert predicted_classes(np.array([[0.5], [0.51]], np.float32)).tolist() == [0, 1]


def test_score_of_two_nodes():
    probabilities = np.array([[1, 0], [0.5, 0.5], [0, 1], [0, 1]], np.float32)
    evaluation = score(probabilities, ONE_HOT, SQUARES)
    assert evaluation.loss == pytest.approx((0 + 0.25 + 0 + 1) / 4)
    assert (evaluation.errors, evaluation.n, evaluation.accuracy) == (2, 4, 0.5)


def test_score_of_one_node():
    probabilities = np.array([[0.1], [0.9], [0.8], [0.6]], np.float32)
    evaluation = score(probabilities, ONE_HOT, ENTROPY)
    assert evaluation.loss == pytest.approx(-np.log([0.9, 0.9, 0.8, 0.4]).mean(), abs=1e-6)
    assert (evaluation.errors, evaluation.n, evaluation.accuracy) == (1, 4, 0.75)
