import numpy as np
import pytest

from flows.config import Config
from tasks.abstain import abstention
from tasks.networks.approaches import linear, network
from tasks.networks.architecture import build_backbone, build_head, softmax_head
from tasks.networks.inference import run
from tasks.networks.repeated import RepeatedTraining, enough_epochs
from tasks.storage.models import weights_sha256
from tasks.study import draw_rows, sizes

RECIPE = Config(precision="float32").chosen_recipes()["tuned"]
HEAD = RECIPE.head.model_copy(update={"epochs": 1})


@pytest.fixture
def squares() -> tuple[np.ndarray, np.ndarray]:
    """Dark and bright images in turn."""
    images = np.random.default_rng(0).integers(0, 20, (40, 28, 28, 1), dtype=np.uint8)
    images[1::2] += 200
    return images, np.eye(2, dtype=np.float32)[np.arange(40) % 2]


def test_sizes_end_with_all():
    assert sizes(np.array([0] * 30 + [1] * 21)) == [1, 2, 5, 10, 20, None]


def test_draws_are_balanced_nested_and_follow_from_the_seed():
    labels = np.arange(300) % 3
    small, large = draw_rows(labels, 2, seed=1), draw_rows(labels, 5, seed=1)
    assert np.bincount(labels[small]).tolist() == [2, 2, 2]
    assert set(small) < set(large)
    assert set(small) != set(draw_rows(labels, 2, seed=2))
    assert draw_rows(labels, None, seed=1).tolist() == list(range(300))


def test_few_images_are_seen_more_often():
    assert enough_epochs(HEAD, 2) == 40
    assert enough_epochs(HEAD, 10 * HEAD.batch_size + 1) == 4
    assert enough_epochs(HEAD.model_copy(update={"epochs": 3}), 100 * HEAD.batch_size) == 3


@pytest.mark.parametrize("approach", ["fine-tuned", "scratch"])
def test_an_approach_learns_to_tell_dark_from_bright(squares, approach):
    images, targets = squares
    backbone = build_backbone(RECIPE.scaling, RECIPE.base, seed=3)
    before = weights_sha256(backbone)
    predict = network(approach, images, targets, images, backbone, RECIPE)
    assert predict(np.arange(10), 1).tolist() == [0, 1] * 20
    assert weights_sha256(backbone) == before


def test_frozen_and_linear_learn_it_too(squares):
    images, targets = squares
    backbone = build_backbone(RECIPE.scaling, RECIPE.base, seed=3)
    features = run(backbone, images)
    predict = network("frozen", features, targets, features, backbone, RECIPE)
    assert predict(np.arange(10), 1).tolist() == [0, 1] * 20
    assert linear(images, targets, images)(np.arange(10), 1).tolist() == [0, 1] * 20


def test_a_repeated_training_does_not_remember_the_one_before():
    features = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[np.arange(30) % 2]
    training = RepeatedTraining(
        lambda seed: build_head(softmax_head(2), 8, HEAD, seed), features, targets, HEAD
    )
    first = weights_sha256(training.train(features, targets, 1))
    assert weights_sha256(training.train(features[:7], targets[:7], 2)) != first
    assert weights_sha256(training.train(features, targets, 1)) == first


def test_abstention_counts_strangers_and_known():
    seen = np.array([[p, 1 - p] for p in np.linspace(0.5, 0.9, 100)], np.float32)
    unseen = np.array([[0.5, 0.5], [0.02, 0.98], [0.7, 0.3], [0.6, 0.4]], np.float32)
    known = np.array([[0.99, 0.01], [0.2, 0.8], [1.0, 0.0]], np.float32)
    found = abstention("two-node", seen, unseen, known)
    assert found.threshold == pytest.approx(0.5 + 0.4 * 94 / 99, abs=1e-6)
    assert (found.confident, found.refused) == (0.25, 0.75)
    assert found.accepted == pytest.approx(2 / 3)
    assert sum(found.stranger_counts) == found.strangers == 4
    assert [i for i, count in enumerate(found.known_counts) if count] == [0, 15, 18]
    assert found.doubts[0] == 1e-8
    assert found.doubts[15] < 0.01 < found.doubts[16]
    assert found.doubts[18] < 0.2 < found.doubts[19]
