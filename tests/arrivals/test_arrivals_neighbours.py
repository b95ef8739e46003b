"""What the nearest training images say: literal features in, literal shares out."""

import numpy as np
import pytest

from tasks.arrivals.neighbours import Neighbours, Seen, doubt_bound
from tasks.arrivals.sorting import is_too_much

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


def test_one_good_label_in_two_hundred_is_doubted_and_none_that_is_the_likeliest():
    shares = np.linspace(0, 1, 401)
    seen = Seen(np.zeros(401), np.stack([1 - shares, shares], axis=1))
    labels = np.zeros(401, np.uint8)  # contradicted by -1, -0.995, ..., 1
    bound = doubt_bound(seen, labels)
    assert bound == pytest.approx(0.99)
    assert (seen.contradiction(labels) > bound).sum() == 2
    assert doubt_bound(Seen(np.zeros(200), np.tile([0.9, 0.1], (200, 1))), labels[:200]) == 0


@pytest.mark.parametrize(
    ("doubted", "images", "expected"),
    [(25, 500, True), (24, 500, False), (1, 10, False), (3, 10, True), (1, 1, True), (0, 9, False)],
)
def test_a_twentieth_in_doubt_is_too_much_unless_it_may_be_chance(doubted, images, expected):
    assert is_too_much(doubted, images) == expected
