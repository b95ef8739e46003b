"""What the nearest training images say: literal features in, literal shares out."""

import numpy as np
import pytest

from tasks.arrivals.arrivals import is_too_much
from tasks.arrivals.neighbours import Neighbours, Seen, doubt_bounds

FEATURES = np.array([[1, 0], [0, 1], [1, 1]], np.float32)


def test_similarity_is_the_mean_cosine_and_the_nearest_weigh_most():
    seen = Neighbours(FEATURES, np.array([0, 2, 2], np.uint8), 4).look(
        np.array([[2, 0]], np.float32)
    )
    diagonal = np.sqrt(0.5)
    assert seen.similarity.tolist() == pytest.approx([(1 + 0 + diagonal) / 3], abs=1e-6)
    weights = np.exp(np.array([0, -1, diagonal - 1]) / 0.05)
    expected = np.array([weights[0], 0, weights[1] + weights[2], 0]) / weights.sum()
    np.testing.assert_allclose(seen.probabilities[0], expected, atol=1e-6)


def test_ten_neighbours_are_asked():
    features = np.stack([np.cos(np.arange(20) / 20), np.sin(np.arange(20) / 20)], axis=1)
    neighbours = Neighbours(features.astype(np.float32), np.arange(20) // 10, 2)
    asked = neighbours.look(features[:1].astype(np.float32))
    np.testing.assert_allclose(asked.probabilities, [[1, 0]], atol=1e-6)
    assert asked.similarity == pytest.approx(np.cos(np.arange(10) / 20).mean(), abs=1e-6)


def test_a_label_is_contradicted_by_the_likeliest_other_class():
    seen = Seen(np.zeros(3), np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0, 0, 1]]))
    np.testing.assert_allclose(seen.contradiction(np.array([0, 2, 1])), [-0.5, 0.6, 1.0])


def test_one_good_label_in_two_hundred_is_doubted_and_none_of_a_class_that_is_not_recognised():
    shares = np.linspace(0, 1, 401)
    of_first = np.stack([1 - shares, shares, 0 * shares, 0 * shares], axis=1)
    of_second = np.tile([0.0, 0.9, 0.1, 0.0], (200, 1))
    of_third = np.tile([1.0, 0.0, 0.0, 0.0], (2, 1))  # rare, and never recognised
    seen = Seen(np.zeros(603), np.concatenate([of_first, of_second, of_third]))
    labels = np.repeat([0, 1, 2], [401, 200, 2])
    np.testing.assert_allclose(doubt_bounds(seen, labels), [0.995, 0.995, 1, 0.995])
    doubted = seen.contradiction(labels) > doubt_bounds(seen, labels)[labels]
    assert np.bincount(labels[doubted], minlength=3).tolist() == [1, 0, 0]


def test_a_class_that_is_recognised_less_well_has_a_bound_of_its_own_and_none_is_below_zero():
    shares = np.linspace(0, 1, 401)
    of_first = np.stack([1 - shares, shares], axis=1)
    seen = Seen(np.zeros(2401), np.concatenate([of_first, np.tile([0.1, 0.9], (2000, 1))]))
    labels = np.repeat([0, 1], [401, 2000])
    # 13 of 2,401 are contradicted by more than 0.94, and 3 of 401 by more than 0.985
    np.testing.assert_allclose(doubt_bounds(seen, labels), [0.99, 0.94], atol=0.006)
    of_second = Seen(np.zeros(2000), np.tile([0.1, 0.9], (2000, 1)))
    assert doubt_bounds(of_second, labels[401:]).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("doubted", "images", "expected"),
    [(25, 500, True), (24, 500, False), (1, 10, False), (3, 10, True), (1, 1, True), (0, 9, False)],
)
def test_a_twentieth_in_doubt_is_too_much_unless_it_may_be_chance(doubted, images, expected):
    assert is_too_much(doubted, images) == expected
