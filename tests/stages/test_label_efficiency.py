import numpy as np
import pytest

from flows.config import Config
from tasks.label_efficiency import draw_rows, sizes
from tasks.networks.approaches import linear, network
from tasks.networks.architecture import build_backbone
from tasks.networks.epochs import EpochPlan, plan_epoch, plan_epochs
from tasks.networks.inference import run
from tasks.networks.models import weights_sha256

RECIPE = Config(precision="float32").chosen_recipes()["tuned"]
HEAD = RECIPE.head.model_copy(update={"epochs": 1})
SHAPE = (28, 28, 1)


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


@pytest.mark.parametrize(
    ("least_steps", "images", "epochs"), [(0, 2, 20), (20, 2, 20), (0, 40, 7), (30, 40, 10)]
)
def test_few_images_are_seen_for_20_batches_or_more(
    squares, monkeypatch, least_steps, images, epochs
):
    plans: list[EpochPlan] = []
    monkeypatch.setattr(
        "tasks.networks.approaches.run_epoch", lambda train_on, plan, seen: plans.append(plan)
    )
    backbone = build_backbone((28, 28, 1), RECIPE.scaling, RECIPE.base, seed=3)
    head = HEAD.model_copy(update={"batch_size": 15, "least_steps": least_steps})
    recipe = RECIPE.model_copy(update={"head": head})
    pixels, targets = squares
    network("scratch", pixels, targets, pixels, backbone, recipe)(np.arange(images), 1)
    assert len(plans[0].rows) == epochs * images


@pytest.mark.parametrize("approach", ["fine-tuned", "scratch"])
def test_an_approach_learns_to_tell_dark_from_bright(squares, approach):
    images, targets = squares
    backbone = build_backbone(SHAPE, RECIPE.scaling, RECIPE.base, seed=3)
    before = weights_sha256(backbone)
    predict = network(approach, images, targets, images, backbone, RECIPE)
    assert predict(np.arange(10), 1).tolist() == [0, 1] * 20
    assert weights_sha256(backbone) == before


def test_frozen_and_linear_learn_it_too(squares):
    images, targets = squares
    backbone = build_backbone(SHAPE, RECIPE.scaling, RECIPE.base, seed=3)
    features = run(backbone, images)
    longer = RECIPE.model_copy(update={"head": HEAD.model_copy(update={"epochs": 80})})
    predict = network("frozen", features, targets, features, backbone, longer)
    assert predict(np.arange(10), 1).tolist() == [0, 1] * 20
    assert linear(images, targets, images)(np.arange(10), 1).tolist() == [0, 1] * 20


def test_several_epochs_in_one_plan_keep_their_batches():
    training = HEAD.model_copy(update={"batch_size": 2})
    plan = plan_epochs(training, images=3, seed=1, epochs=2, shape=SHAPE)
    assert plan.bounds.tolist() == [0, 2, 3, 5, 6]
    both = [plan_epoch(training, 3, 1, epoch, SHAPE).rows.tolist() for epoch in (0, 1)]
    assert plan.rows.tolist() == both[0] + both[1]
