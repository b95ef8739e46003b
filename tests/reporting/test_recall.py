"""Recall: from literal confusion matrices to sentences."""

import pytest

from tasks.reporting.experiment.analysis import describe_recall
from tasks.reporting.page import say


def model(name: str, confusion: list[list[int]], classes: tuple[str, ...]) -> dict:
    n, hits = sum(map(sum, confusion)), sum(row[at] for at, row in enumerate(confusion))
    recall = describe_recall(confusion, classes)
    return {"recipe": "tuned", "model": name, "accuracy": hits / n, "recall": recall}


RARE = [[989, 1], [8, 2]]  # one class has 990 images, the other 10, of which two are recognised
EQUAL = [[95, 5], [4, 96]]


def test_the_least_recall_comes_first_and_classes_count_alike():
    found = describe_recall(RARE, ("whole", "torn"))
    assert found["balanced_accuracy"] == pytest.approx((989 / 990 + 2 / 10) / 2)
    torn, whole = found["classes"]
    assert (torn["name"], torn["hits"], torn["n"]) == ("torn", 2, 10)
    assert (torn["low"], torn["high"]) == pytest.approx((0.0252, 0.5561), abs=1e-4)
    assert torn["high"] < torn["most"] == pytest.approx(0.5990, abs=1e-4)  # of two classes
    assert (whole["hits"], whole["n"]) == (989, 990)


def test_a_class_without_test_images_is_left_out():
    assert [row["name"] for row in describe_recall([[3, 0], [0, 0]], ("a", "b"))["classes"]] == [
        "a"
    ]


def test_equal_classes_that_are_recognised_alike_are_not_mentioned():
    assert not say("experiment", "recall", [model("two-node", EQUAL, ("a", "b"))])["claim"]


def test_a_class_that_accuracy_hides_is_named():
    found = say(
        "experiment",
        "recall",
        [model("base", EQUAL, ("a", "b")), model("two-node", RARE, ("a", "b"))],
    )
    assert found["claim"] == (
        "Accuracy hides classes that are recognised less often: b (2 of 10) by tuned two-node."
    )
    assert found["evidence"].replace("\u00a0", " ") == (
        "tuned base: accuracy 95.50 %, balanced 95.50 %, least for a with 95 of 100 (95 % "
        "confidence interval 88.72 % to 98.36 %); tuned two-node: accuracy 99.10 %, balanced "
        "59.95 %, least for b with 2 of 10 (95 % confidence interval 2.52 % to 55.61 %)"
    )


def test_only_three_of_many_classes_are_named():
    classes = tuple("abcdef")
    confusion = [[1000 if row == at and at < 2 else 0 for at in range(6)] for row in range(6)]
    for row in range(2, 6):
        confusion[row] = [500, 0, 0, 0, 0, 0]
        confusion[row][row] = 500
    claim = say("experiment", "recall", [model("base", confusion, classes)])["claim"]
    assert claim.endswith(
        "c (500 of 1,000), d (500 of 1,000), e (500 of 1,000) and 1 more by tuned base."
    )


def test_unequal_classes_are_mentioned_even_if_none_is_behind():
    found = say("experiment", "recall", [model("two-node", [[40, 0], [0, 10]], ("a", "b"))])
    assert found["claim"] == (
        "Test images of the classes are unequal in number; none was shown to be recognised less."
    )
