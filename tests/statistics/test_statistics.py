"""Each formula against a value that was computed elsewhere."""

import numpy as np
import pytest
import scipy.stats
from sklearn.calibration import calibration_curve

from tasks.statistics.estimates import (
    calibration_error,
    chance_of_hits,
    exact_interval,
    refusal_threshold,
)
from tasks.statistics.paired import compare_paired, difference


def test_the_interval_of_rs_own_example():
    """R's ?binom.test, after Conover (1971): 682 of 925 plants."""
    assert exact_interval(682, 925) == pytest.approx((0.7076683, 0.7654066), abs=1e-7)


def test_no_error_is_not_certainty():
    assert exact_interval(2115, 2115) == pytest.approx((1 - 0.0017426, 1), abs=1e-6)


def paired(both, only_first, only_second, neither):
    pairs = [(True, True), (True, False), (False, True), (False, False)]
    counts = (both, only_first, only_second, neither)
    first, second = (
        np.array([p for p, n in zip(pairs, counts, strict=True) for _ in range(n)], bool)
        .reshape(-1, 2)
        .T
    )
    return compare_paired(first, second)


def test_mcnemar_by_hand():
    """Twice the chance of at most 1 head in 10 throws: 2 (1 + 10) / 1024."""
    found = paired(50, 1, 9, 3)
    assert (found.both, found.only_first, found.only_second, found.neither) == (50, 1, 9, 3)
    assert found.p_value == pytest.approx(22 / 1024)
    assert sum(found[:4]) == 63


def test_mcnemar_of_the_textbooks_example():
    """Agresti, Categorical Data Analysis, table 10.1: 150 against 86 changed their minds."""
    assert paired(794, 150, 86, 570).p_value == pytest.approx(3.7163e-5, rel=1e-3)


def test_equal_classifiers_cannot_be_distinguished():
    assert paired(7, 0, 0, 1).p_value == 1


def test_calibration_error_by_hand():
    confidences = np.array([0.95, 0.95, 0.65, 0.65])
    hits = np.array([True, False, True, True])
    assert calibration_error(confidences, hits) == pytest.approx((2 * 0.45 + 2 * 0.35) / 4)


def test_calibration_error_of_scikit_learns_bins():
    rng = np.random.default_rng(0)
    confidences = rng.uniform(0.1, 1, 1000)
    hits = rng.uniform(size=1000) < confidences**2
    accuracies, means = calibration_curve(hits, confidences, n_bins=15)
    counts = np.histogram(confidences, np.linspace(0, 1, 16))[0]
    expected = np.sum(counts[counts > 0] * np.abs(accuracies - means)) / 1000
    assert calibration_error(confidences, hits) == pytest.approx(expected)


def test_the_threshold_is_the_smallest_score_but_a_few():
    scores = np.arange(1000)[::-1] / 1000
    # beta(5, 996) is below 0.01 with 97.1 %, beta(6, 995) with 93.4 %
    assert refusal_threshold(scores, 0.01) == (0.004, True)
    assert refusal_threshold(scores, 0.1) == (0.084, True)
    # of 298 none would do with 95 % confidence, and of 98 none on average
    assert refusal_threshold(scores[:298], 0.01) == (pytest.approx(0.703), False)
    assert refusal_threshold(scores[:299], 0.01) == (pytest.approx(0.701), True)
    assert refusal_threshold(scores[:99], 0.01) == (pytest.approx(0.901), False)
    assert refusal_threshold(scores[:98], 0.01) is None
    assert refusal_threshold(scores[:0], 0.01) is None
    # one that is of no split is sure of nothing: the largest rank that keeps it on average
    assert refusal_threshold(scores, 0.01, is_split=False) == (pytest.approx(0.009), False)


def test_a_promise_is_kept_as_often_as_it_says():
    """Of 2,000 thresholds the share that loses more; scores are uniform, so that it is known."""
    rng = np.random.default_rng(0)
    lost = np.array([refusal_threshold(rng.random(500), 0.01).threshold for _ in range(2000)])
    assert 0.03 <= (lost > 0.01).mean() <= 0.05
    lost = np.array([refusal_threshold(rng.random(150), 0.01).threshold for _ in range(2000)])
    assert 0.006 <= lost.mean() <= 0.01


def test_a_difference_varies_over_draws_and_over_images():
    """One approach is right on 10 of 10 images in both draws; the other misses one or three."""
    first = np.ones((2, 10), bool)
    second = first.copy()
    second[0, :1] = second[1, :3] = False
    found = difference(first, second, tail=0.05)
    assert found.mean == pytest.approx(0.2)
    by_draw = np.var([0.1, 0.3], ddof=1) / 2  # 0.01
    by_image = ((0.8**2 + 2 * 0.3**2 + 7 * 0.2**2) + 2) / 100
    rest = ((first ^ second) - np.array([[0.1], [0.3]]) - [1, 0.5, 0.5, *[0] * 7] + 0.2) ** 2
    variance = by_draw + by_image - rest.sum() / 9 / 20
    degrees = (by_draw + by_image) ** 2 / (by_draw**2 + by_image**2 / 9)
    reach = scipy.stats.t.isf(0.05, degrees) * np.sqrt(variance)
    assert (found.low, found.high) == pytest.approx((0.2 - reach, 0.2 + reach))


@pytest.mark.parametrize("by_draw", [0.0, 0.1])
def test_an_interval_of_equal_approaches_misses_no_difference_too_seldom(by_draw):
    """2,000 times, six draws and 300 images: each end is passed in some 2.5 % of them at most."""
    rng, missed = np.random.default_rng(1), 0
    for _ in range(2_000):
        chances = np.clip(0.8 + rng.normal(0, by_draw, (2, 6, 1)), 0, 1)
        first, second = rng.random((2, 6, 300)) < chances
        found = difference(first, second)
        missed += not found.low <= 0 <= found.high
    assert missed / 2_000 < 0.06


@pytest.mark.parametrize(
    ("confusion", "chance"),
    [
        ([[4, 0], [1, 3]], 4 / 56),  # of 56 ways to call 5 of 8 images the first class
        ([[60, 0], [0, 1]], 1 / 61),
        ([[60, 0], [1, 0]], 1),  # always the larger one
        ([[2, 2], [2, 2]], 53 / 70),
        ([[5, 0, 0], [0, 5, 0], [0, 0, 5]], 3**-15),
        ([[0, 5, 0], [0, 0, 5], [5, 0, 0]], 1),
    ],
)
def test_the_chance_of_hits_of_a_model_that_knows_nothing(confusion, chance):
    assert chance_of_hits(confusion) == pytest.approx(chance)


def test_a_model_that_knows_nothing_is_seldom_shown_to_know_something():
    rng, found = np.random.default_rng(0), 0
    for _ in range(1_000):
        labels, predicted = rng.permutation(np.arange(60) % 2), rng.integers(0, 2, 60)
        counts = np.histogram2d(labels, predicted, bins=2)[0]
        found += chance_of_hits(counts.astype(int)) <= 0.05
    assert found <= 65  # 5 % and two standard deviations
