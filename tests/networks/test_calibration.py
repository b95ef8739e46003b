"""Calibration: from literal probabilities to a temperature, and what it does to a network."""

import keras
import numpy as np
import pytest

from tasks.calibrate import calibrate
from tasks.hold_out import held_out_rows, hold_out
from tasks.networks.architecture import ONE_NODE, build_base, build_head, softmax_head
from tasks.networks.inference import class_probabilities, run
from tasks.networks.losses import fit_temperature, set_temperature, with_temperature
from tasks.networks.models import load_model, store_model
from tasks.networks.recipe import Training
from tasks.schemas.images import LabelledImages, Preparation
from tasks.schemas.references import Dataset, Split
from tasks.schemas.training import Fold, TrainedModel

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


IMAGES = np.random.default_rng(0).integers(0, 256, (4_000, 4, 4, 1), np.uint8)


def test_a_tenth_of_each_class_is_held_out_the_same_whatever_else_is_there():
    labels = np.repeat(np.array([0, 1, 2], np.uint8), [400, 301, 199])
    images = IMAGES[:900]
    (mask,) = held_out_rows(images, labels, 0, 0)
    assert np.bincount(labels, mask).tolist() == [40, 30, 0]
    order = np.random.default_rng(1).permutation(900)
    (mixed,) = held_out_rows(images[order], labels[order], 0, 0)
    np.testing.assert_array_equal(mixed, mask[order])
    (alone,) = held_out_rows(images[:701], labels[:701], 0, 0)
    np.testing.assert_array_equal(alone, mask[:701])


def test_copies_are_held_out_with_their_original():
    labels = np.tile(np.repeat(np.array([0, 1, 2], np.uint8), 100), 3)
    (mask,) = held_out_rows(IMAGES[:900], labels, originals=300, copies=3)
    mask = mask.reshape(3, 300)
    assert mask.sum(axis=1).tolist() == [30, 30, 30]
    np.testing.assert_array_equal(mask[0], mask[1])
    np.testing.assert_array_equal(mask[0], mask[2])


def test_where_fewer_than_300_would_be_held_out_none_is_and_each_is_in_one_fold():
    labels = np.repeat(np.array([0, 1, 2], np.uint8), [2_000, 970, 8])
    images = IMAGES[: len(labels)]
    images[1] = images[0]
    always, *folds = held_out_rows(images, labels, 0, 0, folds=3)
    assert not always.any()
    assert [np.bincount(labels, fold).tolist() for fold in folds] == [
        [668, 324, 3],
        [666, 323, 3],
        [666, 323, 2],
    ]
    np.testing.assert_array_equal(np.sum(folds, axis=0), 1)
    assert folds[0][0] == folds[0][1]
    enough = np.repeat(np.array([0, 1], np.uint8), [2_000, 1_000])
    (mask,) = held_out_rows(IMAGES[:3_000], enough, 0, 0, folds=3)
    assert mask.sum() == 300


def test_copies_are_in_the_fold_of_their_original():
    labels = np.tile(np.repeat(np.array([0, 1, 2], np.uint8), 100), 3)
    _, first, *_ = held_out_rows(IMAGES[:900], labels, originals=300, copies=3, folds=3)
    np.testing.assert_array_equal(first.reshape(3, 300), np.tile(first[:300], (3, 1)))


def test_a_subsets_images_are_in_the_folds_that_they_are_in_of_all(store, monkeypatch):
    monkeypatch.setattr("tasks.hold_out.current_store", lambda: store)
    labels = np.repeat(np.array([0, 1, 2], np.uint8), 10)
    split = Split(inputs=store.add_array("i", IMAGES[:30]), labels=store.add_array("l", labels))
    data = LabelledImages(
        images=Dataset(train=split, test=split),
        classes=("a", "b", "c"),
        preparation=Preparation(height=8, width=8, channels=1),
    )
    whole, subset = (hold_out.fn(data, classes, 3) for classes in ((0, 1, 2), (2, 1)))
    for of_whole, of_subset in zip(whole.folds, subset.folds, strict=True):
        np.testing.assert_array_equal(store.array(of_subset), store.array(of_whole)[10:])


@pytest.mark.parametrize("nodes", [1, 2])
def test_a_model_is_as_sure_as_others_are_of_what_is_new_to_them(store, monkeypatch, nodes):
    monkeypatch.setattr("tasks.calibrate.current_store", lambda: store)
    specification = ONE_NODE if nodes == 1 else softmax_head(2)
    rng = np.random.default_rng(0)
    labels = np.eye(2)[rng.integers(0, 2, 300)]
    features = rng.normal(size=(300, 128)).astype(np.float32)
    split = Split(
        inputs=store.add_array("i", features),
        labels=store.add_array("l", labels.astype(np.float32)),
    )
    base = build_base((8, 8, 1), 2, 1 / 255, TRAINING, seed=0)

    def trained(seed: int, temperature: float) -> TrainedModel:
        head = build_head(specification, 128, TRAINING, seed)
        model = keras.Sequential([base.get_layer("backbone"), head], name=head.name)
        reference = store_model(store, model)
        return TrainedModel(
            name="head", model=reference, attempts=(), temperature=temperature, precision="float32"
        )

    folds, outputs, rows = [], [], []
    for number in range(3):
        mask = np.arange(300) % 3 == number
        one = trained(number, 2.0)
        folds.append(Fold(trained=one, split=split, held_out=store.add_array(f"m{number}", mask)))
        head = load_model(store, one.model).layers[-1]
        outputs.append(with_temperature(run(head, features[mask]), 0.5))
        rows.append(mask)
    targets = np.concatenate([labels[mask][:, -nodes:] for mask in rows]).astype(np.float32)
    expected = fit_temperature(np.concatenate(outputs), targets)
    model = trained(7, 1.0)
    before = run(load_model(store, model.model).layers[-1], features)
    found = calibrate.fn(model, tuple(folds))
    assert found.temperature == pytest.approx(expected)
    assert expected > 2  # labels at random: nobody can be sure
    after = run(load_model(store, found.model).layers[-1], features)
    np.testing.assert_allclose(after, with_temperature(before, expected), atol=1e-6)
    shared = run(load_model(store, model.model).layers[-1], features)
    np.testing.assert_array_equal(shared, before)
