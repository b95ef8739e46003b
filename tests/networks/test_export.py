"""A model that was trained in any precision answers alike as ONNX, without Keras."""

import numpy as np
import onnxruntime
import pytest

from tasks.networks.architecture import ONE_NODE, build_base, build_head, join
from tasks.networks.export import ask_exported, export_network, to_onnx
from tasks.networks.inference import class_probabilities, run
from tasks.networks.models import in_float32, weights_sha256
from tasks.networks.recipe import Training
from tasks.networks.refusal import build_guard, set_threshold, with_guard

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 12, 12, 3), np.uint8)


def training(precision: str) -> Training:
    return Training(
        loss="crossentropy",
        optimizer="adam",
        learning_rate=0.1,
        batch_size=8,
        epochs=1,
        precision=precision,
    )


def base_of(precision: str):
    return build_base((12, 12, 3), 4, 1 / 255, training(precision), seed=0)


@pytest.fixture(scope="module")
def guarded():
    """A base of four classes that refuses some of the images."""
    base = base_of("float32")
    features = run(base.get_layer("backbone"), IMAGES)
    guard = build_guard(base, (0, 1, 2, 3), features, np.arange(60) % 4)
    set_threshold(guard, 0.1)
    return with_guard(base, guard)


def answers(model, classes):
    session = onnxruntime.InferenceSession(to_onnx(model, classes).SerializeToString())
    assert [(one.name, one.type) for one in session.get_inputs()] == [("images", "tensor(uint8)")]
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(None, {"images": IMAGES}), strict=True))


def test_what_was_trained_in_bfloat16_is_stored_in_float32():
    mixed, plain = base_of("bfloat16"), base_of("float32")
    stored = in_float32(mixed)
    assert weights_sha256(stored) == weights_sha256(mixed) == weights_sha256(plain)
    np.testing.assert_array_equal(run(stored, IMAGES), run(plain, IMAGES))
    assert np.abs(run(mixed, IMAGES) - run(plain, IMAGES)).max() > 1e-5
    assert in_float32(plain) is plain


@pytest.mark.parametrize("classes", [(3, 5, 7, 9), ("ant", "bee", "cat", "dög")])
def test_a_guarded_model_answers_with_names_and_refusals(guarded, classes):
    probabilities, margins = guarded.predict_on_batch(IMAGES)
    found = answers(guarded, classes)
    np.testing.assert_allclose(found["probabilities"], probabilities, atol=1e-6)
    assert found["label"].tolist() == [classes[at] for at in probabilities.argmax(axis=1)]
    assert found["refused"].tolist() == (margins[:, 0] < 0).tolist()
    assert 0 < found["refused"].sum() < 60


@pytest.mark.parametrize(("form", "name"), [("litert", "base.tflite"), ("saved-model", "base")])
def test_other_forms_answer_alike(tmp_path, guarded, form, name):
    export_network(guarded, form, tmp_path / name)
    found = ask_exported(tmp_path / name, IMAGES)
    probabilities, margins = guarded.predict_on_batch(IMAGES)
    np.testing.assert_allclose(found.probabilities, probabilities, atol=1e-6)
    assert found.refused.tolist() == (margins[:, 0] < 0).tolist()


def test_a_single_node_has_a_probability_for_each_class_and_nothing_is_refused_unguarded():
    backbone = base_of("float32").get_layer("backbone")
    head = build_head(ONE_NODE, backbone.output_shape[-1], training("float32"), seed=1)
    model = join(backbone, head)
    found = answers(model, ("no", "yes"))
    expected = class_probabilities(run(model, IMAGES))
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-6)
    assert found["label"].tolist() == [("no", "yes")[at] for at in expected.argmax(axis=1)]
    assert not found["refused"].any()
