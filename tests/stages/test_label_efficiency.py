import numpy as np
import pytest

from flows.config import Config
from tasks.label_efficiency import draw_rows, sizes, train_on_draws
from tasks.networks.approaches import APPROACHES, LEAST_STEPS, Contest, to_its_end
from tasks.networks.architecture import build_base
from tasks.networks.epochs import EpochPlan, plan_epoch, plan_epochs
from tasks.networks.inference import run
from tasks.networks.models import weights_sha256

RECIPE = Config(precision="float32").chosen_recipes()["tuned"]
SHAPE = (28, 28, 1)


@pytest.fixture
def squares() -> tuple[np.ndarray, np.ndarray]:
    """Dark and bright images in turn."""
    images = np.random.default_rng(0).integers(0, 20, (40, 28, 28, 1), dtype=np.uint8)
    images[1::2] += 200
    return images, np.eye(2, dtype=np.float32)[np.arange(40) % 2]


def test_sizes_end_with_all():
    assert sizes(np.array([0] * 31 + [1] * 30)) == [1, 5, 20, None]


def test_draws_are_balanced_nested_and_follow_from_the_seed():
    labels = np.arange(300) % 3
    small, large = draw_rows(labels, 2, seed=1), draw_rows(labels, 5, seed=1)
    assert np.bincount(labels[small]).tolist() == [2, 2, 2]
    assert set(small) < set(large)
    assert set(small) != set(draw_rows(labels, 2, seed=2))
    assert draw_rows(labels, None, seed=1).tolist() == list(range(300))


def test_hits_are_of_each_number_of_labels_and_draw(monkeypatch):
    monkeypatch.setattr("tasks.label_efficiency.DRAWS", 2)
    labels, truth = np.arange(12) % 2, np.array([0, 1, 1])

    def predict(rows: np.ndarray, seed: int) -> np.ndarray:
        return np.array([len(rows) > 5, 1, 0])

    images, hits = train_on_draws(predict, labels, truth, 3)
    assert images == (2, 10, 12)
    few, many = [[True, True, False]] * 2, [[False, True, False]] * 2
    assert hits.tolist() == [few, many, many]


def test_every_network_is_trained_for_300_steps_or_as_long_as_heads():
    few, many = to_its_end(RECIPE.base, RECIPE), to_its_end(RECIPE.head, RECIPE)
    assert few.batch_size_for(5) * few.epochs_for(5) == 5 * LEAST_STEPS
    assert few.augmentation == RECIPE.base.augmentation
    assert many.epochs_for(32 * LEAST_STEPS) == RECIPE.head.epochs == 3


@pytest.mark.parametrize("approach", APPROACHES)
def test_an_approach_learns_to_tell_dark_from_bright(squares, approach):
    """The base alone is none of them: it was never trained, and its nodes are turned round."""
    images, targets = squares
    base = build_base(SHAPE, 3, RECIPE.scaling, RECIPE.base, seed=3)
    before, features = weights_sha256(base), run(base.get_layer("backbone"), images)
    both = images, features
    predict = Contest(base, (2, 0), both, targets, both, RECIPE).predictor(approach)
    expected = [0, 1] * 20
    if approach == "base alone":
        expected = (run(base, images)[:, 2] < run(base, images)[:, 0]).astype(int).tolist()
    assert predict(np.arange(10), 1).tolist() == expected
    assert weights_sha256(base) == before


def test_a_network_that_ends_dead_is_trained_again(squares, monkeypatch):
    images, targets = squares
    seen: list[int] = []
    outcomes = iter(["predicts 1 of 2 classes", "", "never asked"])
    monkeypatch.setattr("tasks.networks.approaches.diagnose", lambda *found: next(outcomes))
    monkeypatch.setattr(
        "tasks.networks.approaches.plan_epochs",
        lambda training, n, seed, epochs, shape: (
            seen.append(seed) or plan_epochs(training, n, seed, 1, shape)
        ),
    )
    base = build_base(SHAPE, 2, RECIPE.scaling, RECIPE.base, seed=3)
    features = run(base.get_layer("backbone"), images)
    both = images, features
    Contest(base, (), both, targets, both, RECIPE).predictor("frozen")(np.arange(10), 1)
    assert len(seen) == len(set(seen)) == 2


def test_several_epochs_in_one_plan_keep_their_batches():
    training = RECIPE.head.model_copy(update={"batch_size": 2})
    plan: EpochPlan = plan_epochs(training, images=3, seed=1, epochs=2, shape=SHAPE)
    assert plan.bounds.tolist() == [0, 2, 3, 5, 6]
    both = [plan_epoch(training, 3, 1, epoch, SHAPE).rows.tolist() for epoch in (0, 1)]
    assert plan.rows.tolist() == both[0] + both[1]
