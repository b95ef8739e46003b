"""How long a training is, from its recipe and the number of images."""

from hashlib import sha256

import numpy as np
import pytest

from flows.recipes import RECIPES
from tasks.networks.architecture import block_filters, build_backbone, build_base
from tasks.networks.epochs import plan_epoch, plan_epochs
from tasks.networks.recipe import Augmentation, Training
from tasks.networks.training import scheduled_steps

TRAINING = Training(
    loss="crossentropy", optimizer="adam", learning_rate=0.01, batch_size=100, epochs=10
)


SHIFT = Augmentation(shift=2, rotation=0, zoom=0, shear=0)


@pytest.mark.parametrize(
    ("images", "epochs"),
    [(1, 300), (100, 300), (101, 150), (1_000, 30), (2_901, 10), (3_000, 10), (60_000, 10)],
)
def test_few_images_are_seen_more_often(images, epochs):
    assert TRAINING.model_copy(update={"least_steps": 300}).epochs_for(images) == epochs


def test_without_least_steps_the_epochs_are_those_of_the_recipe():
    assert [TRAINING.epochs_for(images) for images in (1, 60_000)] == [10, 10]


@pytest.mark.parametrize(
    ("images", "steps"),
    [(60_000, (300.0, 5_700.0)), (1_000, (15.0, 285.0)), (150, (15.0, 285.0)), (1, (15.0, 285.0))],
)
def test_the_warm_up_is_the_same_share_of_more_epochs(images, steps):
    training = TRAINING.model_copy(update={"least_steps": 300, "warm_up": 0.5})
    assert scheduled_steps(training, images) == steps


@pytest.mark.parametrize(
    ("recipe", "base", "smallest_pair"),
    [
        ("notebook", (10, (0.0, 6_000.0)), (5, (0.0, 565.0))),
        ("tuned", (19, (90.0, 5_610.0)), (3, (0.0, 264.0))),
        ("fast", (1, (84.0, 196.0)), (3, (0.0, 264.0))),
    ],
)
def test_on_mnist_the_recipes_are_what_they_were(recipe, base, smallest_pair):
    found = RECIPES[recipe]
    for training, images, expected in (
        (found.base, 60_000, base),
        (found.head, 11_263, smallest_pair),
    ):
        assert (training.epochs_for(images), scheduled_steps(training, images)) == expected
    assert found.base.batch_size_for(60_000) == found.base.batch_size


@pytest.mark.parametrize(
    ("images", "size", "batches"), [(1, 1, 1), (5, 1, 5), (20, 4, 5), (24, 4, 6), (500, 100, 5)]
)
def test_few_images_have_smaller_batches(images, size, batches):
    training = TRAINING.model_copy(update={"least_batches": 5})
    assert (training.batch_size_for(images), training.batches(images)) == (size, batches)
    bounds = plan_epoch(training, images, seed=0, epoch=0, shape=(28, 28, 1)).bounds.tolist()
    assert bounds == [*range(0, images, size), images]


def test_an_epoch_is_over_as_many_images_as_the_recipe_says_drawn_anew():
    training = TRAINING.model_copy(update={"most_images": 250, "augmentation": SHIFT})
    first, second = (plan_epoch(training, 1_000, 5, epoch, (28, 28, 1)) for epoch in (0, 1))
    assert first.bounds.tolist() == [0, 100, 200, 250]
    assert (len(first.rows), len(set(first.rows)), len(first.transforms)) == (250, 250, 250)
    assert set(first.rows) != set(second.rows)
    assert first.rows.max() > 900
    both = plan_epochs(training, 1_000, 5, 2, (28, 28, 1))
    assert both.rows.tolist() == [*first.rows, *second.rows]
    assert both.bounds.tolist() == [0, 100, 200, 250, 350, 450, 500]
    assert (training.batches(1_000), training.batches(120)) == (3, 2)


@pytest.mark.parametrize(("images", "epochs"), [(60_000, 1), (28_000, 1), (8_622, 4), (150, 28)])
def test_the_fast_base_is_trained_for_some_280_steps(images, epochs):
    base = RECIPES["fast"].base
    assert base.epochs_for(images) == epochs
    assert 280 <= base.batches(images) * epochs <= 348


@pytest.mark.parametrize(
    ("images", "epochs", "steps"),
    [
        (20, 80, (13.0, 787.0)),
        (150, 80, (13.0, 787.0)),
        (5_000, 32, (13.0, 787.0)),
        (8_622, 19, (13.0, 823.0)),  # the embedded digits
    ],
)
def test_the_tuned_base_is_trained_for_800_steps_or_more(images, epochs, steps):
    base = RECIPES["tuned"].base
    assert (base.epochs_for(images), scheduled_steps(base, images)) == (epochs, steps)


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ("notebook", "4dca35b2d8b6cadce2e824de581ebcda6ab3b509722d59ddf31fa1e1ced57be9"),
        ("tuned", "4f1362983b76da418af2e477bb80c0557056f6077621c41cbdb3320de8bef579"),
    ],
)
def test_an_epoch_of_mnist_is_the_one_that_it_was(recipe, expected):
    """Order, distortions and batches, to the bit; they decide the weights, with what follows."""
    plan = plan_epoch(RECIPES[recipe].base, 60_000, seed=123, epoch=1, shape=(28, 28, 1))
    parts = (plan.rows, plan.transforms, plan.bounds)
    assert sha256(b"".join(part.tobytes() for part in parts)).hexdigest() == expected


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_a_base_of_mnist_starts_from_the_weights_that_it_did(recipe):
    training = RECIPES[recipe].base.model_copy(update={"precision": "float32"})
    model = build_base((28, 28, 1), 10, RECIPES[recipe].scaling, training, seed=7)
    weights = b"".join(np.ascontiguousarray(one).tobytes() for one in model.get_weights())
    assert sha256(weights).hexdigest() == (
        "49d96a3c9e0dd55699af5a354d7f75c61d4153dfda41c800968ff71a9300daa4"
    )


@pytest.mark.parametrize(
    ("shape", "filters", "features"),
    [
        ((8, 8, 1), (32, 64, 128), 128),
        ((28, 28, 1), (32, 64, 128), 1152),
        ((55, 90, 3), (32, 64, 128), 6 * 11 * 128),
        ((64, 64, 3), (32, 64, 128, 128), 2048),
        ((128, 128, 3), (32, 64, 128, 128, 128), 2048),
        ((8, 128, 1), (32, 64, 128), 16 * 128),
    ],
)
def test_larger_images_have_more_blocks_and_hardly_more_features(shape, filters, features):
    assert block_filters(shape) == filters
    backbone = build_backbone(shape, 1.0, TRAINING, seed=0)
    assert backbone.output_shape == (None, features)
