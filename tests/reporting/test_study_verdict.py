"""Every sentence of a study's verdict, and that none contradicts the numbers beside it."""

import re

import numpy as np
import pytest
from trial_results import CLASSES, LABELS, trial_result

from tasks.reporting.page import say
from tasks.reporting.study.analysis import analyse, measure_spread, reach_verdict
from tasks.trials.trial import TrialResult

NBSP = "\u00a0"
BASES = {"bases": "bases of other images", "recipes": ["tuned"]}


def transfer(
    classes: list[int],
    head: str,
    accuracy: float | None,
    recipe: str = "tuned",
    chance: float = 0,
) -> dict:
    row = {"recipe": recipe, "classes": classes, "head": head, "accuracy": accuracy}
    return row | {"chance": chance}


ONE_SCORE = [transfer([3, 5], "two-node", 0.75)]
SCORES = [*ONE_SCORE, transfer([0, 1, 2], "three-node", 0.5), transfer([4, 9], "one-node", None)]


@pytest.mark.parametrize(
    ("overview", "transfers", "claim", "evidence"),
    [
        (
            {"trials": 1_200, "learned": 1_200},
            SCORES,
            "All 1,200 trials on bases of other images learned, with a mean accuracy of 50.00 % or "
            "more on each subset.",
            "tuned: accuracy 62.50 % in the median subset and head, least 50.00 % on 0, 1 and 2 "
            "(three-node)",
        ),
        (
            {"trials": 4, "learned": 4},
            [*SCORES, transfer([0, 1, 2], "three-node", 0.5, chance=0.2)],
            "All 4 trials on bases of other images learned, with a mean accuracy of 50.00 % or "
            "more on each subset; on 1 of 3 subsets a head was not shown to be right more often "
            "than by chance.",
            "tuned: accuracy 50.00 % in the median subset and head, least 50.00 % on 0, 1 and 2 "
            "(three-node)",
        ),
        (
            {"trials": 1, "learned": 1},
            [transfer([3, 5], "two-node", 0.75, chance=0.06)],
            "The only trial, on bases of other images, learned; on 1 of 1 subset a head was not "
            "shown to be right more often than by chance.",
            "tuned: accuracy 75.00 % on 3 and 5 (two-node)",
        ),
        (
            {"trials": 1, "learned": 1},
            ONE_SCORE,
            "The only trial, on bases of other images, learned.",
            "tuned: accuracy 75.00 % on 3 and 5 (two-node)",
        ),
        (
            {"trials": 1, "learned": 0},
            SCORES[2:],
            "The only trial, on bases of other images, did not learn.",
            "tuned: none learned",
        ),
        ({"trials": 12, "learned": 0}, SCORES[2:], "No trial learned.", "tuned: none learned"),
        (
            {"trials": 1_200, "learned": 1_199},
            ONE_SCORE,
            "1 of 1,200 trials did not learn; results are of the other 1,199.",
            "tuned: accuracy 75.00 % on 3 and 5 (two-node)",
        ),
        (
            {"trials": 3, "learned": 1, "recipes": ["notebook", "tuned"]},
            [transfer([3, 5], "two-node", None, "notebook"), *ONE_SCORE],
            "2 of 3 trials did not learn; results are of the other 1.",
            "notebook: none learned; tuned: accuracy 75.00 % on 3 and 5 (two-node)",
        ),
    ],
)
def test_trials(overview, transfers, claim, evidence):
    found = say("study", "trials", BASES | overview, transfers)
    told = {"claim": claim, "evidence": evidence}
    assert found == {part: text.replace(" %", f"{NBSP}%") for part, text in told.items()}


HEADS = {
    "recipe": "tuned",
    "pairs": 45,
    "fewer": 30,
    "equal": 5,
    "more": 10,
    "two_errors": 1_090,
    "one_errors": 1_120,
    "predictions": 90_000,
    "p_value": 0.01,
    "image_p_value": 0.002,
    "adjusted": 0.04,
    "tests": 90,
    "recipes": 2,
    "least_adjusted": 0.3,
    "different": 0,
}
OF_45 = (
    "Two nodes made fewer errors on 30 of 45 pairs, as many on 5, more on 10. Exact sign-flip "
    "tests over pairs and over images: larger p = {p}, and {adjusted} adjusted for 2 recipes. Pair "
    "by pair, adjusted for the 90 tests of all recipes, {differ} (least p = {least}). Adjusted by "
    "Holm's method, and doubled for two questions"
)
ONE_PAIR = {
    "pairs": 1,
    "fewer": 1,
    "equal": 0,
    "more": 0,
    "two_errors": 0,
    "one_errors": 8,
    "predictions": 8,
    "p_value": 1.0,
    "image_p_value": 2 / 2**8,
    "adjusted": 1.0,
    "tests": 1,
    "recipes": 1,
}
OF_ONE = (
    "Two nodes made fewer errors on 1 of 1 pair, as many on 0, more on 0. Exact sign-flip tests "
    "over pairs and over images: larger p = 1, and 1 adjusted for 1 recipe. Pair by pair, adjusted "
    "for the 1 test of all recipes, {differ} (least p = {least}). Adjusted by Holm's method, and "
    "doubled for two questions"
)


@pytest.mark.parametrize(
    ("changed", "claim", "evidence"),
    [
        (
            {},
            "two output nodes make fewer errors, by 0.0333 percentage points: 1,090 against 1,120 "
            "of 90,000 predictions on 45 pairs.",
            OF_45.format(p=0.01, adjusted=0.04, differ="0 differ", least=0.3),
        ),
        (
            {"two_errors": 1_120, "one_errors": 1_090, "image_p_value": 0.02, "different": 3},
            "one output node makes fewer errors, by 0.0333 percentage points: 1,090 against 1,120 "
            "of 90,000 predictions on 45 pairs.",
            OF_45.format(p=0.02, adjusted=0.04, differ="3 differ", least=0.3),
        ),
        (
            {"adjusted": 0.05},
            "two output nodes and one were not shown to differ: 1,090 against 1,120 errors of "
            "90,000 predictions.",
            OF_45.format(p=0.01, adjusted=0.05, differ="0 differ", least=0.3),
        ),
        (
            {"adjusted": 0.05, "different": 1, "least_adjusted": 0.0123},
            "two output nodes and one, as trained here, differ on 1 of 45 pairs and were not shown "
            "to differ over all: 1,090 against 1,120 errors of 90,000 predictions.",
            OF_45.format(p=0.01, adjusted=0.05, differ="1 differs", least=0.0123),
        ),
        (
            {"adjusted": 0.05, "different": 2, "least_adjusted": 0.0123},
            "two output nodes and one, as trained here, differ on 2 of 45 pairs and were not shown "
            "to differ over all: 1,090 against 1,120 errors of 90,000 predictions.",
            OF_45.format(p=0.01, adjusted=0.05, differ="2 differ", least=0.0123),
        ),
        (
            ONE_PAIR | {"different": 1, "least_adjusted": 0.0156},
            "two output nodes and one, as trained here, differ on the only pair: 0 against 8 "
            "errors of 8 predictions.",
            OF_ONE.format(differ="1 differs", least=0.0156),
        ),
        (
            ONE_PAIR,
            "two output nodes and one were not shown to differ: 0 against 8 errors of 8 "
            "predictions.",
            OF_ONE.format(differ="0 differ", least=0.3),
        ),
    ],
)
def test_pairs(changed, claim, evidence):
    found = say("study", "pairs", HEADS | changed)
    assert found == {"claim": f"With the recipe tuned, {claim}", "evidence": evidence}


def spread(subsets: int, above: int, times: tuple[float, ...], head: str = "two-node") -> dict:
    return {
        "recipe": "tuned",
        "head": head,
        "subsets": subsets,
        "median": 0.001 if times else None,
        "largest": 0.0125 if times else None,
        "times": [*times],
        "above": above,
        "widest": [3, 5] if times else None,
    }


VARIED = "Another seed changes the accuracy at least as much as other test images would for "
POINTS = "Standard deviation over seeds, in percentage points of accuracy: "
OF_TWO = (
    "tuned two-node on 45 subsets: median 0.1, most 1.2 on 3 and 5; median 0.5 and most {} times "
    "that over draws of test images"
)


@pytest.mark.parametrize(
    ("rows", "seeds", "claim", "evidence"),
    [
        (
            [spread(0, 0, ())],
            [4],
            "The variation over seeds is unknown: one seed was asked for.",
            "Seed 4",
        ),
        (
            [spread(0, 0, ())],
            [0, 1],
            "The variation over seeds is unknown.",
            "No head learned a subset from two seeds",
        ),
        (
            [spread(45, 0, (0.5, 0.9)), spread(0, 0, (), "one-node")],
            [0, 1],
            f"{VARIED}none of 45 combinations of recipe, head and subset.",
            POINTS + OF_TWO.format(0.9),
        ),
        (
            [spread(45, 1, (0.5, 1.0)), spread(1, 1, (2.0, 2.0), "one-node")],
            [0, 1],
            f"{VARIED}2 of 46 combinations of recipe, head and subset.",
            f"{POINTS}{OF_TWO.format(1)}; tuned one-node on 1 subset: median 0.1, most 1.2 on 3 "
            "and 5; median 2 and most 2 times that over draws of test images",
        ),
        (
            [spread(1, 1, (2.0, 2.0), "one-node")],
            [0, 1],
            f"{VARIED}1 of 1 combination of recipe, head and subset: one seed is not enough to "
            "judge a subset.",
            f"{POINTS}tuned one-node on 1 subset: median 0.1, most 1.2 on 3 and 5; median 2 and "
            "most 2 times that over draws of test images",
        ),
    ],
)
def test_variation_over_seeds(rows, seeds, claim, evidence):
    assert say("study", "spread", rows, seeds) == {"claim": claim, "evidence": evidence}


@pytest.mark.parametrize(
    ("n", "errors", "above"), [(72, [0, 1], 0), (100_000, [0, 10], 1), (100_000, [500, 510], 0)]
)
def test_variation_is_judged_beside_that_over_as_many_test_images(n, errors, above):
    """Half an error of 72 images is little; five of 100,000 are much, unless it makes 500."""
    row = {"recipe": "tuned", "head": "two-node", "classes": [3, 5], "n": n, "seeds": [0, 1]}
    assert measure_spread([row | {"errors": errors}])["above"] == above


def hardest(classes: list[int], accuracy: float, *images: tuple[int, int]) -> dict:
    shown = [{"image": image, "wrong": wrong, "trials": 2} for image, wrong in images]
    return {"recipe": "tuned", "classes": classes, "accuracy": accuracy, "images": shown}


WRONG = "Images shown that every trial of a recipe and subset that learned got wrong: "


@pytest.mark.parametrize(
    ("rows", "subsets", "claim", "evidence"),
    [
        ([], 3, "No errors were made.", "On test images, by trials that learned"),
        (
            [hardest([3, 5], 0.5, (7, 2), (8, 1))],
            1,
            "Errors were made on 3 and 5, the only subset.",
            f"Mean accuracy tuned 3 and 5: 50.00 %. {WRONG}1",
        ),
        (
            [hardest([3, 5, 8], 0.5, (7, 1)), hardest([4, 9], 0.75, (9, 1))],
            3,
            "Hardest to tell apart, by mean accuracy: 3, 5 and 8.",
            f"Mean accuracy tuned 3, 5 and 8: 50.00 %, tuned 4 and 9: 75.00 %. {WRONG}0",
        ),
        (
            [
                hardest([3, 5], 0.5, (7, 2)),
                hardest([3, 9], 0.5, (7, 2)),
                hardest([3, 5], 0.5, (8, 2)) | {"recipe": "notebook"},
            ],
            3,
            "Hardest to tell apart, by mean accuracy: 3 and 5; 3 and 9.",
            "Mean accuracy tuned 3 and 5: 50.00 %, tuned 3 and 9: 50.00 %, notebook 3 and 5: "
            f"50.00 %. {WRONG}2",
        ),
    ],
)
def test_the_hardest_subset(rows, subsets, claim, evidence):
    found = say("study", "hardest", rows, subsets)
    assert found == {"claim": claim, "evidence": evidence.replace(" %", f"{NBSP}%")}


def attempts(made: int, dead: int, most: int, head: str = "two-node") -> dict:
    return {"recipe": "tuned", "head": head, "attempts": made, "dead": dead, "most": most}


@pytest.mark.parametrize(
    ("rows", "claim", "evidence"),
    [
        ([attempts(1_200, 0, 1)], "Every initialisation learned.", "Initialisations: 1,200"),
        ([attempts(1, 0, 1)], "The only initialisation learned.", "Initialisations: 1"),
        (
            [attempts(1, 1, 1)],
            "The health gate stopped 1 of 1 initialisation.",
            "tuned two-node: 1 of 1 (most attempts for a trial: 1)",
        ),
        (
            [attempts(1_200, 1_000, 9), attempts(5, 0, 1, "three-node"), attempts(7, 2, 3, "x")],
            "The health gate stopped 1,002 of 1,212 initialisations.",
            "tuned two-node: 1,000 of 1,200 (most attempts for a trial: 9); tuned x: 2 of 7 (most "
            "attempts for a trial: 3)",
        ),
    ],
)
def test_initialisations(rows, claim, evidence):
    assert say("study", "attempts", rows) == {"claim": claim, "evidence": evidence}


@pytest.mark.parametrize(("learned", "sentences"), [(0, 4), (1, 5)])
def test_errors_are_spoken_of_where_a_trial_learned(learned, sentences):
    found = {
        "overview": BASES | {"trials": 1, "learned": learned, "seeds": [4], "subsets": 1},
        "transfers": SCORES[2:],
        "heads": [HEADS],
        "spread": [],
        "hardest": [],
        "attempts": [attempts(1, 1 - learned, 1)],
    }
    assert len(reach_verdict(found)) == sentences


def random_study(rng: np.random.Generator) -> list[TrialResult]:
    """A few recipes, pairs and seeds; a head is wrong never, sometimes or always, or is dead."""
    pairs = [(0, other) for other in range(1, 1 + rng.choice([1, 2, 7, 9]))]
    rates = {head: rng.choice([0, 0.1, 0.3, 0.6, 1]) for head in ("two-node", "one-node")}
    return [
        trial_result(
            pair,
            head,
            seed,
            wrong=tuple(np.flatnonzero(rng.random(8) < rates[head])),
            dead=("predicts 1 of 2 classes",) * int(died),
            learned=bool(not died or rng.random() < 0.5),
            recipe=recipe,
        )
        for recipe in ("tuned", "notebook")[: rng.integers(1, 3)]
        for pair in pairs
        for head in rates
        for seed in range(rng.integers(1, 4))
        for died in [rng.choice([0, 1, 2], p=[0.9, 0.05, 0.05])]
    ]


def check_pairs(claim: str, heads: dict, pairs: list[dict]) -> str:
    """Assert that a claim about both heads is what its numbers say, and return its kind."""
    two, one = (sum(pair[f"{head}_errors"] for pair in pairs) for head in ("two", "one"))
    n = sum(pair["n"] * pair["seeds"] for pair in pairs)
    different = sum(pair["adjusted"] < 0.05 for pair in pairs)
    numbers = [float(one) for one in re.findall(r"\d+(?:\.\d+)?", claim.replace(",", ""))]
    if "fewer errors" in claim:
        assert claim.startswith(f"With the recipe {heads['recipe']}, two output") == (two < one)
        assert claim.startswith(f"With the recipe {heads['recipe']}, one output") == (one < two)
        assert numbers[0] == pytest.approx(100 * abs(two - one) / n, rel=0.01)
        assert numbers[1:] == [min(two, one), max(two, one), n, len(pairs)]
        assert heads["adjusted"] < 0.05
        return "fewer"
    assert numbers[-3:] == [two, one, n]
    assert heads["adjusted"] >= 0.05
    assert ("as trained here" in claim) == (different > 0)
    if "the only pair" in claim:
        assert len(pairs) == 1
    elif different:
        assert numbers[:2] == [different, len(pairs)]
    return "differ on" if different else "not shown"


def count_varying(transfers: list[dict]) -> tuple[int, int]:
    """How many transfers vary at least as much as draws of their images would, and of how many."""
    known = [[one for one in row["errors"] if one is not None] for row in transfers]
    known = [errors for errors in known if len(errors) > 1]
    wrong = [(np.mean(errors) + 1) / (8 + 2) for errors in known]
    limits = [np.sqrt(8 * p * (1 - p)) for p in wrong]
    return sum(map(np.greater_equal, [np.std(one, ddof=1) for one in known], limits)), len(known)


def test_no_claim_contradicts_its_evidence():
    """In 150 random studies; they make each kind of claim about heads several times."""
    rng, kinds = np.random.default_rng(0), []
    for _ in range(150):
        found = analyse(random_study(rng), LABELS, CLASSES)
        claims = [finding["claim"] for finding in found["verdict"]]
        for heads, claim in zip(found["heads"], claims[1:], strict=False):
            pairs = [pair for pair in found["pairs"] if pair["recipe"] == heads["recipe"]]
            kinds.append(check_pairs(claim, heads, pairs))
        above, known = count_varying(found["transfers"])
        varied = claims[1 + len(found["heads"])]
        assert ("unknown" in varied) == (known == 0)
        assert not known or f" for {above or 'none'} of {known} combination" in varied
        assert ("one seed is not enough" in varied) == (2 * above > known)
        overview = found["overview"]
        dead = overview["trials"] - overview["learned"]
        unsure = {tuple(row["classes"]) for row in found["transfers"] if row["chance"] > 0.05}
        said = re.fullmatch(r"(.*?)(; on (\d+) of \d+ subsets? a head was not .*)?\.", claims[0])
        assert said is not None
        assert int(said[3] or 0) == len(unsure) * bool(overview["learned"])
        endings = " learned", " or more on each subset", " learned, without an error"
        all_learned = said[1].endswith(endings) and said[1] != "No trial learned"
        assert all_learned == (dead == 0)
        assert not dead or "did not learn" in claims[0] or said[1] == "No trial learned"
        dead = sum(row["dead"] for row in found["attempts"])
        assert ("initialisation learned." in claims[-1]) == (dead == 0)
        assert not dead or f"stopped {dead} of " in claims[-1]
        errors = [row["errors"] for row in found["trials"] if row["errors"] is not None]
        assert ("No errors were made." in claims) == (bool(errors) and not sum(errors))
    assert min(map(kinds.count, ("fewer", "differ on", "not shown"))) > 5
