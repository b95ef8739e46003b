import gc
import random
from types import SimpleNamespace

import numpy as np
import pytest

from flows.recipes import RECIPES
from tasks.networks.architecture import (
    ONE_NODE,
    build_backbone,
    build_base,
    build_head,
    join,
    reseed,
    softmax_head,
)
from tasks.networks.attempts import Trained, train_until_healthy
from tasks.networks.epochs import derive_seed, draw_transforms, plan_epoch
from tasks.networks.inference import run
from tasks.networks.models import load_model, store_trained, weights_sha256
from tasks.networks.recipe import Augmentation, Training
from tasks.networks.training import Compiled, build_optimizer, fit, scheduled_steps
from tasks.networks.transfer import freeze_backbone
from tasks.storage.stages import Checkpoint
from tasks.storage.store import DamagedError, Store

SHAPE = (28, 28, 1)
SHORT = Training(
    loss="mean_squared_error", optimizer="sgd", learning_rate=0.01, batch_size=4, epochs=2
)


def train(model, inputs, targets, training, seed):
    return fit(Compiled(model, inputs, targets, training), inputs, targets, seed)


@pytest.fixture
def base():
    return build_base(SHAPE, 10, 1.0, SHORT, seed=0)


LEARNING = SHORT.model_copy(
    update={"loss": "crossentropy", "optimizer": "adam", "learning_rate": 0.01, "epochs": 5}
)


def images(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)


def test_the_notebooks_parameters(base):
    backbone, head = base.layers
    counts = [layer.count_params() for layer in (*backbone.layers, *head.layers)]
    assert [count for count in counts if count] == [320, 18_496, 73_856, 230_600, 2_010]
    assert base.count_params() == 325_282


def test_a_relu_after_the_pooling_is_the_notebooks_network(base):
    import keras

    def published():
        layers = [
            layer
            for filters in (32, 64, 128)
            for layer in (
                keras.layers.Conv2D(filters, 3, padding="same", activation="relu"),
                keras.layers.MaxPooling2D(),
            )
        ]
        dense = [keras.layers.Dense(200, "relu"), keras.layers.Dense(10, "softmax")]
        return keras.Sequential([keras.Input((28, 28, 1)), *layers, keras.layers.Flatten(), *dense])

    theirs = published()
    theirs.set_weights(base.get_weights())
    pixels, targets = images(20), np.eye(10, dtype=np.float32)[np.arange(20) % 10]
    np.testing.assert_array_equal(run(base, pixels), run(theirs, pixels.astype(np.float32)))
    before = weights_sha256(base)
    for model in (base, theirs):
        model.compile("sgd", "mean_squared_error")
        model.train_on_batch(pixels.astype(np.float32), targets)
    assert weights_sha256(base) != before
    for our, their in zip(base.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(our, their)


def test_heads_differ_in_name_nodes_and_activation_only():
    assert (ONE_NODE.name, ONE_NODE.nodes, ONE_NODE.activation) == ("one-node", 1, "sigmoid")
    two = softmax_head(2)
    assert (two.name, two.nodes, two.activation) == ("two-node", 2, "softmax")
    assert softmax_head(3).name == "three-node"
    assert build_head(two, 1152, SHORT, seed=0).count_params() == 1152 * 200 + 200 + 200 * 2 + 2


def test_the_notebook_recipe_is_the_notebooks():
    notebook = RECIPES["notebook"].model_dump()
    shared = {
        "loss": "mean_squared_error",
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "batch_size": 100,
    }
    assert notebook["scaling"] == 1.0
    assert notebook["base"].items() >= (shared | {"epochs": 10}).items()
    assert notebook["head"].items() >= (shared | {"epochs": 5}).items()


def test_initial_weights_follow_from_the_seed_alone():
    """Prefect's threads draw from Python's global generator while we build."""
    digests = []
    for disturbance in (1, 2):
        random.seed(disturbance)
        digests.append(weights_sha256(build_backbone(SHAPE, 1.0, SHORT, seed=7)))
    assert digests[0] == digests[1]
    assert digests[0] != weights_sha256(build_backbone(SHAPE, 1.0, SHORT, seed=8))


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_a_network_is_reseeded_to_what_another_seed_builds(recipe):
    training = RECIPES[recipe].base.model_copy(update={"precision": "float32"})
    for side in (12, 56):
        first, second = (build_base((side, side, 1), 3, 1.0, training, seed) for seed in (1, 2))
        reseed(first, 2)
        for ours, theirs in zip(first.variables, second.variables, strict=True):
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_scaling_is_inside_the_model():
    raw, scaled = (build_backbone(SHAPE, scaling, SHORT, seed=0) for scaling in (1.0, 1 / 255))
    scaled.set_weights(raw.get_weights())
    pixels = images(2)
    np.testing.assert_allclose(run(raw, pixels / 255.0), run(scaled, pixels), rtol=1e-4, atol=1e-5)


def test_an_epochs_order_is_a_permutation_that_follows_from_seed_and_epoch():
    def order(seed, epoch):
        return plan_epoch(SHORT, 1000, seed, epoch, SHAPE).rows.tolist()

    assert sorted(order(3, 1)) == list(range(1000))
    assert order(3, 1) == order(3, 1)
    assert order(3, 1) != order(3, 2)
    assert order(3, 1) != order(4, 1)


def test_distortions_follow_from_seed_and_epoch_and_stay_in_their_limits():
    training = SHORT.model_copy(
        update={"augmentation": Augmentation(shift=2, rotation=0, zoom=0, shear=0)}
    )
    plan = plan_epoch(training, 500, seed=3, epoch=1, shape=SHAPE)
    again = plan_epoch(training, 500, seed=3, epoch=1, shape=SHAPE)
    assert plan.transforms.tobytes() == again.transforms.tobytes()
    assert plan.rows.tolist() == plan_epoch(SHORT, 500, seed=3, epoch=1, shape=SHAPE).rows.tolist()
    shifts = plan.transforms[:, [2, 5]]
    assert 1.9 < np.abs(shifts).max() <= 2
    np.testing.assert_allclose(
        plan.transforms[:, [0, 1, 3, 4, 6, 7]], np.tile([1, 0, 0, 1, 0, 0], (500, 1))
    )


def test_a_distortion_turns_an_image_about_its_centre():
    import keras

    image = np.zeros((1, 28, 28, 1), np.uint8)
    image[0, 13:15, 20:22] = 255  # right of the centre
    quarter = Augmentation(shift=0, rotation=90, zoom=0, shear=0)
    rng = SimpleNamespace(uniform=lambda low, high, size: np.full(size, high))
    turned = keras.ops.image.affine_transform(image, draw_transforms(quarter, 1, rng, SHAPE))
    expected = np.zeros_like(image)
    expected[0, 6:8, 13:15] = 255  # above it
    np.testing.assert_array_equal(np.asarray(turned), expected)


def test_seeds_of_stages_and_attempts_differ():
    seeds = {derive_seed(0, stage, attempt) for stage in ("base", "two-node") for attempt in (0, 1)}
    assert len(seeds) == 4
    assert derive_seed(0, "base") == derive_seed(0, "base")


def test_training_is_gradient_descent():
    """One node, one weight that matters: SGD steps worked out by hand."""
    import keras

    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")]
    )
    training = SHORT.model_copy(update={"learning_rate": 0.1, "batch_size": 2, "epochs": 1})
    inputs = np.array([[1], [1], [1]], np.uint8)
    result = train(model, inputs, np.zeros((3, 1), np.float32), training, 0)
    # loss w**2, gradient 2 w: 1 -> 0.8 after the batch of two, 0.64 after the batch of one
    assert model.get_weights()[0].item() == pytest.approx(0.64)
    assert result.epochs[0].loss == pytest.approx((1 + 1 + 0.64) / 3)


def test_few_images_have_more_epochs_in_the_history():
    training = LEARNING.model_copy(update={"batch_size": 25, "least_steps": 16})
    inputs = np.array([[-1], [1]] * 30, np.float32)
    targets = np.eye(2, dtype=np.float32)[np.arange(60) % 2]
    model = build_head(softmax_head(2), 1, training, seed=1)
    assert len(train(model, inputs, targets, training, 5).epochs) == 6  # of 3 batches


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_an_epoch_is_that_of_keras_own_loop_in_the_same_order(recipe):
    training = RECIPES[recipe].head.model_copy(
        update={"least_steps": 13, "epochs": 1, "batch_size": 8}
    )
    rng = np.random.default_rng(0)
    features = rng.normal(size=(100, 1152)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[rng.integers(0, 2, 100)]
    ours, theirs = (build_head(softmax_head(2), 1152, training, seed=1) for _ in range(2))
    before = weights_sha256(ours)
    train(ours, features, targets, training, 5)
    theirs.compile(
        build_optimizer(training, *scheduled_steps(training, 13 * training.batch_size)),
        training.loss.replace("cross", "categorical_cross"),
    )
    rows = plan_epoch(training, 100, seed=5, epoch=0, shape=(1152,)).rows
    theirs.fit(features[rows], targets[rows], batch_size=8, shuffle=False, verbose=0)
    assert weights_sha256(ours) != before
    for our, their in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(our, their, atol=1e-6)


def test_images_do_not_outlive_their_training(base):
    """A graph that captures its data keeps them: 47 MB an attempt on MNIST."""
    train(base, images(9), np.eye(10, dtype=np.float32)[:9], SHORT, 0)
    gc.collect()
    tensors = [found for found in gc.get_objects() if type(found).__name__ == "EagerTensor"]
    assert (9, 28, 28, 1) not in [tuple(tensor.shape) for tensor in tensors]


def test_targets_that_would_broadcast_are_refused(base):
    with pytest.raises(ValueError, match=r"targets \(8, 1\) do not fit the output \(None, 10\)"):
        train(base, images(8), np.zeros((8, 1), np.float32), SHORT, 0)


@pytest.mark.parametrize("specification", [ONE_NODE, softmax_head(2)], ids=lambda s: s.name)
def test_a_joined_model_is_features_then_head(base, specification):
    backbone = freeze_backbone(base)
    head = build_head(specification, 1152, SHORT, seed=1)
    joined = join(backbone, head)
    features = run(backbone, images(1000))
    np.testing.assert_allclose(run(joined, images(1000)), run(head, features), atol=1e-5)
    trainable = sum(weight.numpy().size for weight in joined.trainable_weights)
    assert trainable == head.count_params()
    assert joined.count_params() == 92_672 + head.count_params()


def test_the_same_seed_gives_the_same_head(tmp_path):
    inputs = np.array([[-1], [1]] * 50, np.float32)
    targets = np.eye(2, dtype=np.float32)[np.arange(100) % 2]
    nobody = np.zeros(100, bool)

    def digest(seed, key):
        model = build_head(softmax_head(2), 1, LEARNING)
        checkpoint = Checkpoint(Store(tmp_path), key)
        trained = train_until_healthy(
            model, inputs, targets, LEARNING, seed, checkpoint, (0, 1), nobody
        )
        return weights_sha256(trained[0])

    assert digest(1, "a") == digest(1, "b")
    assert digest(1, "c") != digest(2, "d")


def test_a_model_comes_back_from_the_store(base, tmp_path):
    store = Store(tmp_path)
    reference = store_trained(store, Trained(base, (), 1.5), SHORT).model
    loaded = load_model(store, reference)
    assert weights_sha256(loaded) == reference.weights_sha256
    np.testing.assert_array_equal(run(loaded, images(3)), run(base, images(3)))
    assert (reference.parameters, reference.trainable_parameters) == (325_282, 325_282)


def test_a_damaged_model_is_not_loaded(base, tmp_path):
    store = Store(tmp_path)
    reference = store_trained(store, Trained(base, (), 1.5), SHORT).model
    assert load_model(store, reference) is load_model(store, reference)
    (tmp_path / reference.path).write_bytes(b"not a model")
    with pytest.raises(DamagedError):
        load_model(store, reference)
