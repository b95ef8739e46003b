"""Refusal: what a guard says of features, and the model that has it."""

import numpy as np
import pytest

from tasks.evaluate_refusal import evaluate_refusal
from tasks.networks.architecture import build_base, build_head, join, softmax_head
from tasks.networks.inference import run
from tasks.networks.models import load_model, store_model
from tasks.networks.recipe import Training
from tasks.networks.refusal import _prototypes, build_guard, score, set_threshold, with_guard
from tasks.schemas.references import Dataset, Split
from tasks.schemas.results import UnknownFeatures
from tasks.schemas.training import Fold, TrainedModel
from tasks.storage.execution import Executing, called_by
from tasks.storage.store import Store

TRAINING = Training(
    loss="crossentropy", optimizer="adam", learning_rate=0.1, batch_size=8, epochs=1
)
IMAGES = np.random.default_rng(0).integers(0, 256, (200, 12, 12, 1), np.uint8)
LABELS = np.arange(200) % 2


@pytest.fixture(scope="module")
def base():
    return build_base((12, 12, 1), 4, 1 / 255, TRAINING, seed=0)


@pytest.fixture(scope="module")
def features(base) -> np.ndarray:
    return run(base.get_layer("backbone"), IMAGES)


def cosines(features: np.ndarray, prototypes: np.ndarray) -> np.ndarray:
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    return (units @ (prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True)).T).max(axis=1)


def standardised(scores: np.ndarray, seen: np.ndarray) -> np.ndarray:
    return (scores - seen.mean()) / seen.std()


def test_a_score_is_the_cosine_to_the_nearest_prototype(base, features):
    seen, others = features[:100], features[100:]
    prototypes = _prototypes(seen, LABELS[:100])
    assert prototypes.shape == (20, 128)
    np.testing.assert_allclose(np.linalg.norm(prototypes, axis=1), 1, rtol=1e-5)
    expected = standardised(cosines(others, prototypes), cosines(seen, prototypes))
    found = score(build_guard(base, (), seen, LABELS[:100]), others)
    np.testing.assert_allclose(found, expected, rtol=0.01, atol=0.01)


def test_a_prototype_is_made_of_three_images_or_more(features):
    labels = np.array([0, 1, 0, 1, 1, 0])
    units = features[:6] / np.linalg.norm(features[:6], axis=1, keepdims=True)
    means = np.stack([units[labels == label].mean(axis=0) for label in (0, 1)])
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    assert (_prototypes(features[:6], labels) * expected).sum(axis=1).min() > 0.98
    assert _prototypes(features[:20], np.zeros(20, np.intp)).shape == (7, 128)


def test_a_base_that_had_learned_the_classes_is_asked_for_their_logits(base, features):
    few, others = features[:100], features[100:]
    guard, prototypes = build_guard(base, (3, 1), few, LABELS[:100]), _prototypes(few, LABELS[:100])
    hidden, output = (layer for layer in base.layers[-1].layers if layer.weights)
    kernel, bias = hidden.get_weights()
    above, offset = output.get_weights()

    def largest(of: np.ndarray) -> np.ndarray:
        return (np.maximum(of @ kernel + bias, 0) @ above + offset)[:, [3, 1]].max(axis=1)

    nearest = standardised(cosines(others, prototypes), cosines(few, prototypes))
    expected = np.minimum(nearest, standardised(largest(others), largest(few)))
    np.testing.assert_allclose(score(guard, others), expected, rtol=0.01, atol=0.01)


@pytest.mark.parametrize("learned", [(), (0, 2)])
def test_a_model_with_a_guard_answers_as_before_and_gives_margins(
    base, features, learned, tmp_path
):
    model = join(base.get_layer("backbone"), build_head(softmax_head(2), 128, TRAINING, seed=1))
    guard, store = build_guard(base, learned, features, LABELS), Store(tmp_path)
    scores = score(guard, features)
    set_threshold(guard, 0.25)
    guarded = load_model(store, store_model(store, with_guard(model, guard)))
    outputs, margins = guarded.predict_on_batch(IMAGES)
    np.testing.assert_array_equal(outputs, run(model, IMAGES))
    np.testing.assert_allclose(margins[:, 0], scores - 0.25, atol=1e-3)
    assert guarded.name == "two-node"


def test_what_is_unlike_the_own_images_scores_less(base, features):
    guard = build_guard(base, (), features, LABELS)
    blank = run(base.get_layer("backbone"), np.zeros((3, 12, 12, 1), np.uint8))
    assert score(guard, blank).max() < np.quantile(score(guard, features), 0.001)


@pytest.mark.parametrize(("copies", "held_out", "is_refusing"), [(1, 120, True), (2, 60, False)])
def test_copies_of_an_image_count_as_one(base, features, tmp_path, copies, held_out, is_refusing):
    """To lose 1 % on average takes 99 images, of which 120 are two copies of 60 each."""
    store = Store(tmp_path)
    mask = np.arange(200) % 100 < 60
    split = Split(
        inputs=store.add_array("i", features),
        labels=store.add_array("l", np.eye(2, dtype=np.float32)[LABELS]),
    )
    model = join(base.get_layer("backbone"), build_head(softmax_head(2), 128, TRAINING, seed=1))
    trained = [
        TrainedModel(
            name=network.name,
            model=store_model(store, network),
            attempts=(),
            temperature=1.0,
            precision="float32",
        )
        for network in (base, model)
    ]
    fold = Fold(trained=trained[0], split=split, held_out=store.add_array("m", mask))
    unknown = UnknownFeatures(kinds=("noise",), features=(store.add_array("n", features[:5]),))
    data = Dataset(train=split, test=split)
    with called_by(Executing(store)):
        told = (fold,), (), unknown, 0.01, copies
        (found,) = evaluate_refusal.fn(trained[0], trained[1:], data, *told).models
    assert (found.held_out, found.file is not None) == (held_out, is_refusing)
    assert not found.is_sure
