"""How long a training is, from its recipe and the number of images."""

import pytest

from flows.recipes import RECIPES
from tasks.networks.compilation import scheduled_steps
from tasks.networks.epochs import plan_epoch
from tasks.networks.recipe import Training

TRAINING = Training(
    loss="crossentropy", optimizer="adam", learning_rate=0.01, batch_size=100, epochs=10
)


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
