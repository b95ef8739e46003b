"""Each criterion on its own, and what all looks have in common."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.registry.decision import (
    Bounds,
    Judged,
    Prospect,
    decide,
    foresee_win,
    least_fixes,
    level,
)
from tasks.statistics.paired import sign_test

IMAGES = 1000


def judged(wrong, *, healthy=True, log_loss=0.1, refused=(), n=IMAGES):
    """A model that calls the images at these places wrong; classes 3 and 7 take turns."""
    hits, is_refused = np.ones(n, bool), np.zeros(n, bool)
    hits[list(wrong)] = False
    is_refused[list(refused)] = True
    labels = np.where(np.arange(n) % 2, 7, 3)
    return Judged(healthy, hits, labels, np.full(n, log_loss), is_refused)


def parts(arrived=0, n=IMAGES):
    """The published images, and behind them those of a batch."""
    is_new = np.arange(n) >= n - arrived
    found = {"the published test images": ~is_new}
    return found | ({"monday.npz": is_new} if arrived else {})


def judge(champion, challenger, *, look=1, first=None, arrived=0, **bounds):
    opponents = [one for one in (champion, first) if one]
    origin = parts(arrived, len(challenger.hits))
    decision = decide(opponents, challenger, origin, Bounds(**bounds), look)
    assert decision.promoted == (not any(row.objection for row in decision.rows))
    return decision


def refusals(*models, **told):
    return [row.name for row in judge(*models, **told).rows if row.objection]


BETTER = "chance of this if it were no better, at most"


def test_a_challenger_that_is_shown_to_be_better_is_promoted():
    decision = judge(judged(range(10)), judged(range(3)), arrived=100)
    assert decision.reason == (
        "Promoted: errors went from 10 to 3 of 1,000 held-out images, and nothing is shown to be "
        "worse."
    )
    assert [(row.name, row.champion, row.challenger, row.bound) for row in decision.rows] == [
        ("learned, 1 or 0", 1, 1, 1),
        (BETTER, None, 2 / 2**7, 0.025),
        ("accuracy on the published test images, at least",
         pytest.approx(890 / 900), pytest.approx(897 / 900), pytest.approx(890 / 900 - 0.005)),
        ("accuracy on monday.npz, at least", 1, 1, 0.995),
        ("recall of 3, at least", 0.99, 0.996, pytest.approx(0.97)),
        ("recall of 7, at least", 0.99, 0.998, pytest.approx(0.97)),
        ("share that is not refused, at least", 1, 1, 0.995),
        ("log loss, at most",
         pytest.approx(0.1), pytest.approx(0.1), pytest.approx(0.11)),
    ]  # fmt: skip


def test_the_first_healthy_model_is_champion():
    assert judge(None, judged(range(100))).reason == "Promoted: there was no champion yet."


@pytest.mark.parametrize(
    ("look", "chance", "bound", "is_champion"),
    [(1, 0.025, 0.025, True), (1, 0.03, 0.025, False), (2, 0.025, 0.05 / 6, False)],
)
def test_the_first_champion_has_to_know_something(look, chance, bound, is_champion):
    first = replace(judged(range(400)), chance=chance)
    decision = judge(None, first, look=look)
    assert decision.promoted == is_champion
    row = decision.rows[-1]
    assert (row.name, row.challenger, row.bound) == (
        "chance of as many hits if it knew nothing, at most",
        chance,
        bound,
    )
    if not is_champion:
        assert decision.reason == "Not promoted: its hits on 1,000 images may be chance."


def test_a_dead_model_is_never_champion():
    decision = judge(None, judged([], healthy=False))
    assert decision.reason == "Not promoted: the challenger did not learn."
    assert refusals(judged(range(9)), judged([], healthy=False)) == ["learned, 1 or 0"]


def test_what_could_be_chance_is_refused_and_a_tie_is_chance():
    decision = judge(judged(range(6)), judged([]))
    assert decision.reason == (
        "Not promoted: it makes 0 errors of 1,000 held-out images, the champion 6, which does not "
        "show that it is better (p = 0.031, and 0.025 is needed of challenger 1)."
    )
    assert refusals(judged([1, 2]), judged([3, 4])) == [BETTER]
    assert judge(judged([]), judged([])).rows[1].challenger == 1.0


def test_each_further_look_needs_more():
    for look, fewer in ((1, 7), (2, 8), (3, 9), (10, 13)):
        assert least_fixes(look) == fewer
        assert refusals(judged(range(fewer)), judged([]), look=look) == []
        assert refusals(judged(range(fewer - 1)), judged([]), look=look) == [BETTER]


def test_all_looks_together_have_the_level_of_a_lifetime():
    assert sum(level(look) for look in range(1, 100_000)) == pytest.approx(0.05, abs=1e-6)


def test_what_arrived_speaks_for_itself():
    """Ten errors fewer of the 100 that arrived, beside 30 other ones each of the published."""
    champion = judged([*range(30), *range(900, 910)])
    challenger = judged(range(30, 60))
    assert refusals(champion, challenger, arrived=100) == []
    assert refusals(champion, challenger) == [BETTER]


def test_who_is_newer_wins_where_it_is_asked_for_unless_it_is_shown_to_be_worse():
    assert refusals(judged([1, 2]), judged([3, 4]), prefer="newer") == []
    assert refusals(judged([]), judged(range(20)), prefer="newer") == [
        "accuracy on the published test images, at least"
    ]


def test_what_is_worse_on_one_part_is_refused_though_it_is_better_on_the_whole():
    champion, challenger = judged(range(60)), judged(range(900, 930))
    name = "accuracy on monday.npz, at least"
    assert refusals(champion, challenger, arrived=100) == [name]
    assert "is 70.0% of 100 images, where 100.0% was reached before" in (
        judge(champion, challenger, arrived=100).reason
    )


def test_no_class_is_lost_for_another():
    """Of 500 images 13 are more than 2 %; fewer, or what chance could do, is not refused."""
    champion = judged(range(0, 200, 2))
    assert refusals(champion, judged(range(1, 26, 2))) == ["recall of 7, at least"]
    assert refusals(champion, judged(range(1, 20, 2))) == []


def test_a_rare_class_is_not_decided_by_one_image():
    def rare(wrong):
        found = judged(wrong)
        return replace(found, labels=np.where(np.arange(IMAGES) < 20, "rare", "common"))

    champion = rare(range(100, 150))
    for lost, refused in ((1, []), (4, []), (20, ["recall of rare, at least"])):
        assert refusals(champion, rare(range(lost))) == refused


def test_small_losses_add_up_against_the_first_champion():
    """A class loses 4 images in each of three steps; only the sum is beyond the margin."""
    first, second = judged(range(1, 101, 2)), judged([*range(1, 61, 2), *range(0, 8, 2)])
    third = judged([*range(1, 31, 2), *range(0, 16, 2)])
    fourth = judged(range(0, 24, 2))
    assert refusals(first, second) == []
    assert refusals(second, third, first=first) == []
    assert refusals(third, fourth, first=first) == ["recall of 3, at least"]
    assert refusals(third, fourth) == []


def test_log_loss_may_not_grow_beyond_the_margin_over_the_first():
    better = judged([], log_loss=0.115)
    assert refusals(judged(range(9)), better) == ["log loss, at most"]
    assert refusals(judged(range(9), log_loss=0.106), better) == []
    first = judged(range(9))
    assert refusals(judged(range(9), log_loss=0.106), better, first=first) == ["log loss, at most"]


def test_an_increase_of_the_log_loss_that_may_be_chance_is_no_objection():
    few = judged([], n=40)
    noisy = replace(few, log_losses=np.where(np.arange(40) == 0, 5.0, 0.0))  # 0.125 on average
    assert refusals(judged(range(9), n=40), noisy) == []


def test_more_own_images_may_not_be_refused():
    champion = judged(range(9))
    assert refusals(champion, judged([], refused=range(30))) == [
        "share that is not refused, at least"
    ]
    assert refusals(champion, judged([], refused=range(4))) == []


def test_every_objection_is_in_the_reason():
    decision = judge(judged([1]), judged([1, 2], healthy=False, log_loss=0.5))
    assert decision.reason == (
        "Not promoted: the challenger did not learn; it makes 2 errors of 1,000 held-out images, "
        "the champion 1, which does not show that it is better (p = 1, and 0.025 is needed of "
        "challenger 1); its log loss is 0.5000, the first champion's 0.1000."
    )


def test_both_are_judged_on_the_same_images_and_on_some():
    with pytest.raises(ValueError, match="the same held-out images"):
        decide([judged([])], judged([], n=10), parts(n=10), Bounds(), 1)
    with pytest.raises(ValueError, match="one held-out image or more"):
        decide([], judged([], n=0), parts(n=0), Bounds(), 1)


def test_before_training_it_is_said_what_a_challenger_would_have_to_do():
    assert foresee_win(6, 2_115, look=1) == Prospect(
        False,
        "the champion makes 6 errors of 2,115 held-out images, and 7 fewer are needed to show that "
        "a challenger is better, so that none could win",
    )
    can_win, sentence = foresee_win(34, 10_000, look=1)
    assert can_win
    assert sentence == (
        "the champion makes 34 errors of 10,000 held-out images; a challenger needs 7 fewer and no "
        "new ones, or more, and if it makes no new ones it wins with a chance of 5% if 10%, 53% if "
        "20%, 100% if 50% of them are corrected"
    )


def test_the_chances_are_those_of_brute_force():
    rng, errors = np.random.default_rng(0), 34
    wins = []
    for _ in range(4_000):
        fixed = np.flatnonzero(rng.random(errors) < 0.2)
        better = sign_test(np.isin(range(errors), fixed), np.zeros(errors, bool))
        wins.append(2 * better <= level(1))
    assert np.mean(wins) == pytest.approx(0.53, abs=0.02)


@pytest.mark.parametrize(
    "wrong", [{"margin": 0}, {"margin": 1}, {"log_loss_margin": -1}, {"prefer": "me"}, {"other": 1}]
)
def test_bounds_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValidationError):
        Bounds(**wrong)
