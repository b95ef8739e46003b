"""Each criterion on its own, and a test of non-inferiority that keeps its promise."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.registry.decision import Bounds, Judged, decide
from tasks.statistics.noninferiority import images_needed, noninferiority_p_value, score

IMAGES = 1000


def judged(wrong, *, healthy=True, confidence=0.99, n=IMAGES):
    """A model that calls the images at these places wrong; classes 3 and 7 take turns."""
    hits = np.ones(n, bool)
    hits[list(wrong)] = False
    labels = np.where(np.arange(n) % 2, 7, 3)
    return Judged(healthy, hits, labels, np.full(n, confidence))


def refusals(champion, challenger, **bounds):
    decision = decide(champion, challenger, Bounds(**bounds))
    assert decision.promoted == all(row.passed for row in decision.rows)
    return [row.name for row in decision.rows if not row.passed]


def test_fewer_errors_within_all_bounds_are_promoted():
    decision = decide(judged(range(5)), judged(range(3)), Bounds())
    assert decision.promoted
    assert decision.reason == (
        "Promoted: errors fell from 5 to 3 of 1,000 held-out images, "
        "and nothing else is out of bounds."
    )
    assert [(row.name, row.champion, row.challenger, row.bound) for row in decision.rows] == [
        ("learned, 1 or 0", 1, 1, 1),
        ("errors, fewer than", 5, 3, 5),
        (
            "chance of this if 0.005 accuracy were lost, at most",
            None,
            pytest.approx(noninferiority_p_value(0, 2, 1000, 0.005)),
            0.05,
        ),
        ("recall of 3, at least", 0.994, 0.996, pytest.approx(0.974)),
        ("recall of 7, at least", 0.996, 0.998, pytest.approx(0.976)),
        (
            "calibration error, at most",
            pytest.approx(0.005),
            pytest.approx(0.007),
            pytest.approx(0.015),
        ),
    ]


def test_the_first_healthy_model_is_champion():
    decision = decide(None, judged(range(100)), Bounds())
    assert decision.promoted
    assert decision.reason == "Promoted: there was no champion yet."


def test_a_dead_model_is_never_champion():
    decision = decide(None, judged([], healthy=False), Bounds())
    assert decision.reason == "Not promoted: the challenger did not learn."
    assert refusals(judged([1, 2]), judged([1], healthy=False)) == ["learned, 1 or 0"]


def test_a_tie_goes_to_the_champion():
    decision = decide(judged([1, 2]), judged([3, 4]), Bounds())
    assert not decision.promoted
    assert "both make as many errors, 2 of 1,000 held-out images, and a tie goes" in decision.reason
    assert refusals(judged([]), judged([])) == ["errors, fewer than"]


def test_more_errors_are_refused():
    assert refusals(judged([1]), judged([1, 2])) == ["errors, fewer than"]


def test_too_few_images_show_nothing_and_the_reason_says_how_many_would():
    decision = decide(judged([1, 2], n=72), judged([1], n=72), Bounds())
    assert decision.reason == (
        "Not promoted: 72 held-out images cannot show that less than 0.50% of accuracy is lost "
        "(598 can, or give a larger --margin)."
    )
    assert decide(judged([1, 2], n=72), judged([1], n=72), Bounds(margin=0.05)).promoted


def test_fewer_errors_are_not_enough_if_too_many_images_changed_sides():
    champion, challenger = judged(range(0, 60)), judged(range(60, 118))
    name = "chance of this if 0.005 accuracy were lost, at most"
    assert refusals(champion, challenger, class_margin=0.5) == [name]
    assert "1,000 held-out images cannot show" in decide(champion, challenger, Bounds()).reason
    assert "(more can, or give" in decide(champion, challenger, Bounds()).reason


def test_no_class_is_lost_for_another():
    champion = judged(range(0, 60, 2))
    assert refusals(champion, judged(range(1, 21, 2))) == []
    assert refusals(champion, judged(range(1, 23, 2))) == ["recall of 7, at least"]


def test_a_class_that_is_never_found_is_lost_whatever_the_margin():
    champion, challenger = judged([1, 3, 5, *range(0, 8, 2)], n=8), judged([1, 3, 5, 7], n=8)
    bounds = {"class_margin": 0.9, "margin": 0.9, "calibration": 0.99}
    assert refusals(champion, challenger, **bounds) == ["recall of 7, at least"]


def test_calibration_is_kept():
    champion = judged([1, 2], confidence=0.998)
    assert refusals(champion, judged([1], confidence=0.9895)) == []
    assert refusals(champion, judged([1], confidence=0.98)) == ["calibration error, at most"]


def test_every_objection_is_in_the_reason():
    decision = decide(judged([1]), judged([1, 2], healthy=False, confidence=0.5), Bounds())
    assert decision.reason == (
        "Not promoted: the challenger did not learn; its errors are 2 of 1,000 held-out images, "
        "the champion's 1; its calibration error is 0.4980, the champion's 0.0090."
    )


def test_both_are_judged_on_the_same_images_and_on_some():
    with pytest.raises(ValueError, match="the same held-out images"):
        decide(judged([]), judged([], n=10), Bounds())
    with pytest.raises(ValueError, match="one held-out image or more"):
        decide(None, judged([], n=0), Bounds())


@pytest.mark.parametrize("wrong", [{"margin": 0}, {"margin": 1}, {"calibration": 1}, {"other": 1}])
def test_bounds_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValidationError):
        Bounds(**wrong)


def test_the_score_of_tangos_own_example():
    """Tango (1998): of 44 pairs one tells the treatments apart; margin 0.1, Z = 1.709."""
    assert score(1, 0, 44, 0.1) == pytest.approx(-1.709, abs=5e-4)


def test_without_a_disagreement_the_p_value_is_a_power():
    assert noninferiority_p_value(0, 0, 72, 0.005) == pytest.approx(0.995**72)
    assert noninferiority_p_value(0, 0, 58, 0.05) == pytest.approx(0.95**58)


@pytest.mark.parametrize(("margin", "n"), [(0.005, 598), (0.01, 299), (0.05, 59)])
def test_so_many_images_are_needed_and_no_fewer(margin, n):
    assert images_needed(margin) == n
    assert noninferiority_p_value(0, 0, n, margin) <= 0.05
    assert noninferiority_p_value(0, 0, n - 1, margin) > 0.05


@pytest.mark.parametrize(("n", "margin"), [(8, 0.2), (12, 0.1)])
def test_no_inferior_model_passes_more_often_than_it_may(n, margin):
    """All results of n images, under a net of all classifiers that lose the margin or more."""
    results = [(b, c) for b in range(n + 1) for c in range(n + 1 - b)]
    p_values = np.array([noninferiority_p_value(b, c, n, margin) for b, c in results])
    b, c = np.array(results).T
    ways = np.array([math.comb(n, i) * math.comb(n - i, j) for i, j in results])
    largest = {0.01: 0.0, 0.05: 0.0, 0.1: 0.0}
    for lost in np.linspace(margin, 1, 40):
        for gained in np.linspace(0, min(lost - margin, 1 - lost), 40):
            chances = ways * lost**b * gained**c * max(1 - lost - gained, 0) ** (n - b - c)
            for level in largest:
                largest[level] = max(largest[level], chances[p_values <= level].sum())
    assert all(level / 2 < found <= level for level, found in largest.items())
