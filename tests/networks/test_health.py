"""The health gate on other people's data: rare classes are looked at, and named where they fail."""

import numpy as np
import pytest

from flows.recipes import RECIPES
from tasks.networks.attempts import MOST_ALIKE, _end_alike, advice
from tasks.networks.health import (
    HealthGate,
    batches_until_clear,
    diagnose,
    examined_rows,
)
from tasks.schemas.training import Attempt, EpochResult, History


def test_of_many_images_ten_thousand_are_examined_and_a_hundred_of_each_class():
    labels = np.zeros(50_000, int)
    labels[[7, 20_001, 49_999]] = 1
    labels[1_000:1_200] = 2
    rows = np.arange(50_000, dtype=np.int32) + 5
    examined = examined_rows(rows, labels)
    found = np.bincount(labels[examined - 5])
    assert found[1] == 3
    assert found[2] >= 100
    assert 10_000 <= len(examined) <= 10_103
    assert len(np.unique(examined)) == len(examined)


def test_of_balanced_images_those_are_examined_that_are_evenly_spread():
    labels = np.arange(60_000) % 10
    rows = np.arange(60_000, dtype=np.int32)
    expected = np.linspace(0, 59_999, 10_000).astype(int)
    np.testing.assert_array_equal(examined_rows(rows, labels), expected)


def test_few_images_are_all_examined():
    rows = np.array([3, 1, 8], np.int32)
    assert sorted(examined_rows(rows, np.array([0, 1, 1])).tolist()) == [1, 3, 8]


@pytest.mark.parametrize(
    ("counts", "batches"), [((500, 500), 100), ((900, 100), 500), ((4, 4, 1), 300)]
)
def test_a_rare_class_takes_longer_to_be_learned(counts, batches):
    labels = np.repeat(np.arange(len(counts)), counts)
    assert batches_until_clear(labels) == pytest.approx(batches)


@pytest.mark.parametrize(
    ("predicted", "sentence"),
    [
        ([0, 0, 1, 1], "predicts 2 of 4 classes, never dog, eel"),
        ([0, 1, 2, 2], "predicts 3 of 4 classes, never eel"),
        ([0, 0, 0, 0], "predicts 1 of 4 classes"),
    ],
)
def test_a_few_classes_that_are_never_predicted_are_named(predicted, sentence):
    names = ("ant", "cat", "dog", "eel")
    assert diagnose(np.array(predicted), np.arange(4), 4, names) == sentence


def test_a_loss_that_is_no_number_ends_an_attempt():
    targets, training = np.eye(2, dtype=np.float32)[[0, 1]], RECIPES["tuned"].head
    gate = HealthGate(None, None, targets, np.array([0, 1], np.int32), training)
    epoch = EpochResult(loss=float("nan"), accuracy=0.5)
    assert gate.is_hopeless(History(epochs=(epoch,)))
    assert not gate.is_hopeless(History())


def attempts(*outcomes: str) -> list[Attempt]:
    return [Attempt(seed=0, history=History(), outcome=outcome) for outcome in outcomes]


def test_attempts_that_fail_for_the_same_classes_end_and_those_of_a_lottery_go_on():
    same = "predicts 9 of 10 classes, never 7"
    assert _end_alike(attempts(*[same] * MOST_ALIKE))
    assert not _end_alike(attempts(*[same] * (MOST_ALIKE - 1)))
    assert not _end_alike(attempts("accuracy 0.1, 0.2 is needed", *[same] * (MOST_ALIKE - 1)))
    assert not _end_alike(attempts(*["predicts 1 of 2 classes"] * MOST_ALIKE))


def test_the_true_cause_is_a_class_that_is_too_rare_or_else_the_training():
    rare = np.repeat([0, 1, 2], [5_000, 5_000, 3])
    assert advice(rare, ("a", "b", "c")) == (
        "class c has 3 of 10,003 training images: give more of them, or leave the class out"
    )
    assert advice(np.repeat([0, 1], [5_000, 3]), ("a", "b")) == (
        "class b has 3 of 5,003 training images: give more of them"
    )
    assert advice(np.repeat([0, 1], 50), (3, 5)) == (
        "give another --seed, more epochs, more images or another recipe"
    )
