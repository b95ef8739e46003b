"""Calibration: from literal probabilities to a temperature, and what it does to a network."""

import numpy as np
import pytest
from prefect.logging import disable_run_logger

from tasks.hold_out import hold_out
from tasks.networks.architecture import ONE_NODE, build_base, build_head, softmax_head
from tasks.networks.inference import class_probabilities, run
from tasks.networks.losses import fit_temperature, set_temperature, with_temperature
from tasks.networks.recipe import Training
from tasks.schemas.images import LabelledImages, Preparation
from tasks.schemas.references import Dataset, Split

TRAINING = Training(
    loss="crossentropy", optimizer="adam", learning_rate=0.1, batch_size=8, epochs=1
)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def drawn(sharpness: float, classes: int, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn by probabilities, and outputs whose logits are so many times as large."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, classes))
    labels = (softmax(logits).cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    outputs, one_hot = softmax(sharpness * logits), np.eye(classes)[labels]
    kept = slice(None) if nodes > 1 else slice(1, None)
    return outputs[:, kept].astype(np.float32), one_hot[:, kept].astype(np.float32)


@pytest.mark.parametrize("sharpness", [0.25, 1, 3])
@pytest.mark.parametrize(("classes", "nodes"), [(10, 10), (2, 2), (2, 1)])
def test_the_temperature_is_by_how_much_logits_are_too_large(sharpness, classes, nodes):
    assert fit_temperature(*drawn(sharpness, classes, nodes)) == pytest.approx(sharpness, rel=0.04)


@pytest.mark.parametrize("nodes", [1, 2])
def test_without_an_error_a_model_is_as_sure_as_so_many_images_allow(nodes):
    outputs = np.tile([0.1, 0.9], 49)[:, None].astype(np.float32)
    targets = (outputs > 0.5).astype(np.float32)
    if nodes == 2:
        outputs, targets = (np.hstack([1 - one, one]) for one in (outputs, targets))
    found = with_temperature(outputs, fit_temperature(outputs, targets))
    assert class_probabilities(found).max(axis=1) == pytest.approx(0.99, abs=1e-4)


def test_without_images_nothing_changes():
    assert fit_temperature(np.empty((0, 3), np.float32), np.empty((0, 3), np.float32)) == 1


@pytest.mark.parametrize("specification", [ONE_NODE, softmax_head(3)])
def test_a_networks_probabilities_follow_its_temperature(specification):
    head = build_head(specification, 5, TRAINING, seed=0)
    features = np.random.default_rng(0).normal(size=(100, 5)).astype(np.float32)
    before = run(head, features)
    set_temperature(head, 2.5)
    np.testing.assert_allclose(run(head, features), with_temperature(before, 2.5), atol=1e-6)
    np.testing.assert_allclose(with_temperature(run(head, features), 0.4), before, atol=1e-6)


def test_a_base_keeps_its_backbone_and_what_it_predicts():
    base = build_base((8, 8, 1), 4, 1 / 255, TRAINING, seed=0)
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 1), dtype=np.uint8)
    before, backbone = run(base, images), base.get_layer("backbone").get_weights()
    set_temperature(base, 0.5)
    after = run(base, images)
    assert after.argmax(axis=1).tolist() == before.argmax(axis=1).tolist()
    np.testing.assert_allclose(after, with_temperature(before, 0.5), atol=1e-6)
    for now, then in zip(base.get_layer("backbone").get_weights(), backbone, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.fixture
def held_out(store, monkeypatch):
    monkeypatch.setattr("tasks.hold_out.current_store", lambda: store)

    def mask(
        images: np.ndarray, labels: np.ndarray, classes: tuple[int, ...], originals: int = 0
    ) -> np.ndarray:
        split = Split(inputs=store.add_array("i", images), labels=store.add_array("l", labels))
        data = LabelledImages(
            images=Dataset(train=split, test=split),
            classes=("a", "b", "c"),
            preparation=Preparation(height=8, width=8, channels=1),
            originals=originals,
            copies=3,
        )
        with disable_run_logger():
            return np.asarray(store.array(hold_out.fn(data, classes)))

    return mask


IMAGES = np.random.default_rng(0).integers(0, 256, (900, 4, 4, 1), np.uint8)


def test_a_tenth_of_each_class_is_held_out_the_same_whatever_else_is_there(held_out):
    labels = np.repeat(np.array([0, 1, 2], np.uint8), [400, 301, 199])
    mask = held_out(IMAGES, labels, (0, 1, 2))
    assert np.bincount(labels, mask).tolist() == [40, 30, 0]
    np.testing.assert_array_equal(held_out(IMAGES, labels, (2, 1)), mask[labels > 0])
    order = np.random.default_rng(1).permutation(900)
    mixed = held_out(IMAGES[order], labels[order], (0, 1, 2))
    np.testing.assert_array_equal(mixed, mask[order])


def test_copies_are_held_out_with_their_original(held_out):
    labels = np.tile(np.repeat(np.array([0, 1, 2], np.uint8), 100), 3)
    mask = held_out(IMAGES, labels, (0, 1, 2), originals=300).reshape(3, 300)
    assert mask.sum(axis=1).tolist() == [30, 30, 30]
    np.testing.assert_array_equal(mask[0], mask[1])
    np.testing.assert_array_equal(mask[0], mask[2])
