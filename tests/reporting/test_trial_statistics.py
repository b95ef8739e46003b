"""What many trials show, from literal results to literal numbers."""

from itertools import product

import numpy as np
import pytest
from scipy.special import betainc
from scipy.stats import binomtest
from trial_results import CLASSES, LABELS, trial_result

from tasks.reporting.study.analysis import analyse
from tasks.statistics.estimates import exact_interval
from tasks.statistics.paired import compare_paired, holm, sign_flip_p_value


def test_darwins_plants_as_fisher_counted_them():
    """Fisher, The design of experiments, section 21: 1,726 of 32,768 sums are as far from 0."""
    differences = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48])
    assert sign_flip_p_value(differences) == 1726 / 32768


def test_the_sign_flips_are_those_of_all_signs():
    differences = np.array([3, -1, 2, 2, 0, -4, 5, 1])
    sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=8)]
    expected = np.mean(np.array(sums) >= abs(differences.sum()))
    assert sign_flip_p_value(differences) == pytest.approx(expected, rel=1e-12)


def test_differences_of_one_are_mcnemars_test():
    rng = np.random.default_rng(0)
    first, second = rng.uniform(size=500) < 0.9, rng.uniform(size=500) < 0.91
    found = sign_flip_p_value(first.astype(np.int64) - second)
    assert 0.001 < found < 0.999
    assert found == pytest.approx(compare_paired(first, second).p_value, rel=1e-9)


def test_thousands_of_units_are_no_trouble():
    differences = np.repeat([3, -3], [2100, 1900])
    assert sign_flip_p_value(differences) == pytest.approx(binomtest(2100, 4000).pvalue, rel=1e-9)


@pytest.mark.parametrize("differences", [[], [0, 0, 0]])
def test_no_difference_is_no_evidence(differences):
    assert sign_flip_p_value(np.array(differences, np.int64)) == 1


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.01, 0.9]) == pytest.approx([1, 0.03, 1])
    assert holm([]) == []


@pytest.mark.parametrize(("hits", "n"), [(682, 925), (1, 10), (2114, 2115), (0, 5), (5, 5)])
def test_whole_hits_have_scipys_interval(hits, n):
    expected = binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert exact_interval(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-10)


def test_the_interval_of_a_mean_is_between_those_of_its_neighbours():
    low, high = exact_interval(7.5, 10)
    assert exact_interval(7, 10).low < low < exact_interval(8, 10).low
    assert exact_interval(7, 10).high < high < exact_interval(8, 10).high
    assert betainc(7.5, 3.5, low) == pytest.approx(0.025)
    assert betainc(8.5, 2.5, high) == pytest.approx(0.975)


@pytest.mark.parametrize("hits", [-0.5, 10.5])
def test_more_hits_than_images_are_refused(hits):
    with pytest.raises(ValueError, match="not within 0 and 10"):
        exact_interval(hits, 10)


def test_a_transfer_is_summed_up_over_the_seeds_that_learned():
    found = analyse(
        [
            trial_result((3, 5), "two-node", 0, wrong=(0,)),
            trial_result((3, 5), "two-node", 1, wrong=(0, 1)),
            trial_result((3, 5), "two-node", 2, dead=("predicts 1 of 2 classes",), learned=False),
        ],
        LABELS,
        CLASSES,
    )
    low, high = exact_interval(6.5, 8)
    assert found["transfers"] == [
        {
            "recipe": "tuned",
            "classes": [3, 5],
            "head": "two-node",
            "n": 8,
            "seeds": [0, 1, 2],
            "learned": 2,
            # of 8 images, 4 of each, 7 right: Fisher's 1/14; the better one of two seeds
            "chance": pytest.approx(2 / 14),
            "errors": [1, 2, None],
            "accuracy": 6.5 / 8,
            "low": low,
            "high": high,
            "mean_errors": 1.5,
            "best": 1,
            "worst": 2,
        }
    ]
    assert found["overview"] == {
        "bases": "bases that had seen these classes and images",
        "recipes": ["tuned"],
        "classes": [3, 5],
        "subsets": 1,
        "seeds": [0, 1, 2],
        "trials": 3,
        "learned": 2,
    }


def test_a_trial_is_a_row_and_without_accuracy_if_it_never_learned():
    died = trial_result((3, 5), "one-node", 4, dead=("predicts 1 of 2 classes",) * 2, learned=False)
    right, dead = analyse([trial_result((3, 5), "two-node", 4), died], LABELS, CLASSES)["trials"]
    low, high = exact_interval(8, 8)
    assert right == {
        "recipe": "tuned",
        "classes": [3, 5],
        "head": "two-node",
        "seed": 4,
        "n": 8,
        "errors": 0,
        "accuracy": 1,
        "low": low,
        "high": high,
        "attempts": 1,
        "epochs": 2,
        "seconds": 1.5,
        "weights_sha256": "4ab",
    }
    nothing = dict.fromkeys(("errors", "accuracy", "low", "high"))
    assert dead == right | nothing | {
        "head": "one-node",
        "attempts": 2,
        "seconds": 3,
        "weights_sha256": "",
    }


def test_heads_are_compared_image_by_image_over_the_seeds_they_share():
    """One node is wrong on image 0 in both seeds, on image 1 in one; two nodes on 2 in one."""
    found = analyse(
        [
            trial_result((3, 5), "two-node", 0),
            trial_result((3, 5), "two-node", 1, wrong=(2,)),
            trial_result((3, 5), "two-node", 2, wrong=(4, 5, 6)),
            trial_result((3, 5), "one-node", 0, wrong=(0, 1)),
            trial_result((3, 5), "one-node", 1, wrong=(0,)),
            trial_result((3, 5), "one-node", 2, dead=("predicts 1 of 2 classes",), learned=False),
        ],
        LABELS,
        CLASSES,
    )
    assert found["pairs"] == [
        {
            "recipe": "tuned",
            "classes": [3, 5],
            "n": 8,
            "seeds": 2,
            "two_errors": 1,
            "one_errors": 3,
            "two_better": 2,
            "one_better": 1,
            "p_value": 6 / 8,  # of +-2 +-1 +-1 six are 2 or more away from 0
            "adjusted": 1.0,  # for the other question, too
        }
    ]


def test_over_all_pairs_the_pairs_are_the_units():
    trials = [
        trial_result((a, b), head, 0, wrong=tuple(range(errors)))
        for a, b, two, one in [(0, 1, 0, 3), (0, 2, 1, 1), (0, 3, 2, 1), (0, 4, 0, 1)]
        for head, errors in (("two-node", two), ("one-node", one))
    ]
    (heads,) = analyse(trials, LABELS, CLASSES)["heads"]
    assert heads == {
        "recipe": "tuned",
        "pairs": 4,
        "fewer": 2,
        "equal": 1,
        "more": 1,
        "two_errors": 3,
        "one_errors": 6,
        "predictions": 32,
        "p_value": 6 / 8,  # of +-3 +-1 +-1 six are 3 or more away from 0
        "image_p_value": 8 / 16,  # of +-2 +-1 +-1 +-1, as image 0 is in all pairs, eight are
        "adjusted": 1.0,
        "tests": 4,
        "recipes": 1,
        "least_adjusted": 1,
        "different": 0,
    }


def test_a_pair_is_adjusted_for_all_pairs_of_all_recipes_and_for_both_questions():
    everything = tuple(range(8))
    trials = [
        trial_result(classes, head, 0, wrong=everything if head == "one-node" and differs else ())
        for classes, differs in [((0, 1), True), ((0, 2), False)]
        for head in ("two-node", "one-node")
    ]
    others = [
        trial_result((0, 1), head, 0, wrong=wrong, recipe="notebook")
        for head, wrong in (("two-node", ()), ("one-node", everything))
    ]
    pairs = analyse(trials + others, LABELS, CLASSES)["pairs"]
    assert [pair["p_value"] for pair in pairs] == [2 / 2**8, 1, 2 / 2**8]
    assert [pair["adjusted"] for pair in pairs] == [2 * 3 * 2 / 2**8, 1, 2 * 3 * 2 / 2**8]


def test_the_spread_is_over_seeds_and_the_totals_over_complete_subsets():
    """Sample deviations: of 0 and 2, the root of 2; of 1 and 1, 0; one seed has none.

    With one image more right and one wrong, 2 of 10 are wrong: over draws of 8 images the accuracy
    varies by the root of 0.2 x 0.8 / 8.
    """
    times = 2**0.5 / 8 / (0.2 * 0.8 / 8) ** 0.5
    found = analyse(
        [
            trial_result((0, 1), "two-node", 0),
            trial_result((0, 1), "two-node", 1, wrong=(0, 1)),
            trial_result((0, 2), "two-node", 0, wrong=(0,)),
            trial_result((0, 2), "two-node", 1, wrong=(0,)),
            trial_result((0, 3), "two-node", 0, wrong=(0, 1, 2)),
            trial_result((0, 3), "two-node", 1, dead=("predicts 1 of 2 classes",), learned=False),
        ],
        LABELS,
        CLASSES,
    )
    assert found["spread"] == [
        {
            "recipe": "tuned",
            "head": "two-node",
            "subsets": 2,
            "median": pytest.approx(2**0.5 / 2 / 8),
            "largest": pytest.approx(2**0.5 / 8),
            "above": 1,
            "widest": [0, 1],
            "times": [pytest.approx(times / 2), pytest.approx(times)],
            "complete": 2,
            "totals": [{"seed": 0, "errors": 1}, {"seed": 1, "errors": 3}],
        }
    ]


def test_the_hardest_subset_shows_the_images_that_most_trials_got_wrong():
    """The images of 1, 2 and 3 are 1, 2, 3, 11, 12, 13, ... of all test images."""
    found = analyse(
        [
            trial_result((1, 2, 3), "three-node", 0, wrong=(4,)),
            trial_result((1, 2, 3), "three-node", 1, wrong=(2, 4)),
            trial_result((4, 5), "two-node", 0),
        ],
        LABELS,
        CLASSES,
    )
    assert found["hardest"] == [
        {
            "recipe": "tuned",
            "classes": [1, 2, 3],
            "trials": 2,
            "accuracy": pytest.approx(1 - 1.5 / 12),
            "images": [
                {
                    "image": 12,
                    "label": 2,
                    "predicted": 3,
                    "wrong": 2,
                    "trials": 2,
                    "probability": pytest.approx(0.05),
                },
                {
                    "image": 3,
                    "label": 3,
                    "predicted": 1,
                    "wrong": 1,
                    "trials": 2,
                    "probability": pytest.approx((0.05 + 0.9) / 2),
                },
            ],
        }
    ]


def test_dead_attempts_are_counted_with_their_reasons():
    one, two = "predicts 1 of 2 classes", "accuracy 0.573, 0.575 is needed"
    found = analyse(
        [
            trial_result((0, 1), "two-node", 0, dead=(one, two)),
            trial_result((0, 1), "two-node", 1),
            trial_result((0, 1), "two-node", 2, dead=(one,) * 3, learned=False),
            trial_result((0, 1), "one-node", 0),
        ],
        LABELS,
        CLASSES,
    )
    assert found["attempts"] == [
        {
            "recipe": "tuned",
            "head": "two-node",
            "trials": 3,
            "attempts": 7,
            "dead": 5,
            "most": 3,
            "without": 1,
            "reasons": {one: 4, "hardly better than chance": 1},
        },
        {
            "recipe": "tuned",
            "head": "one-node",
            "trials": 1,
            "attempts": 1,
            "dead": 0,
            "most": 1,
            "without": 0,
            "reasons": {},
        },
    ]


def test_the_order_of_the_outcomes_does_not_matter():
    trials = [
        trial_result(classes, head, seed, wrong=(seed,))
        for classes in ((0, 1), (1, 2), (0, 1, 2))
        for head in (("two-node", "one-node") if len(classes) == 2 else ("three-node",))
        for seed in (0, 1)
    ]
    assert analyse(trials[::-1], LABELS, CLASSES) == analyse(trials, LABELS, CLASSES)
