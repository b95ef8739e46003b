"""A registered version is MLflow's own model, and is asked as a user would before it is in use."""

import shutil
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pytest

from tasks.networks.architecture import build_base
from tasks.networks.export import PortableModel, to_onnx
from tasks.networks.recipe import Training
from tasks.registry.decision import Judged
from tasks.registry.portable import find_flaw
from tasks.registry.registry import Registry
from tasks.registry.version import Candidate
from tasks.schemas.images import Preparation
from tasks.storage.files import file_sha256
from tasks.storage.store import Store

CLASSES = ("ant", "bee", "cat")
IMAGES = np.random.default_rng(0).integers(0, 256, (60, 12, 12, 1), np.uint8)
TRUE = np.arange(60) % 3


@pytest.fixture
def registry(empty_registry: Path, tmp_path: Path) -> Registry:
    root = shutil.copytree(empty_registry, tmp_path / "artifacts")
    return Registry(Store(root), None, "base")


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    training = Training(
        loss="crossentropy", optimizer="adam", learning_rate=0.1, batch_size=8, epochs=1
    )
    network = build_base((12, 12, 1), 3, 1 / 255, training, seed=0)
    model, keras = tmp_path / "base.onnx", tmp_path / "base.keras"
    model.write_bytes(to_onnx(network, CLASSES).SerializeToString())
    network.save(keras)
    return Candidate(
        model=model,
        sha256=file_sha256(model),
        network=keras,
        network_sha256=file_sha256(keras),
        classes=CLASSES,
        preparation=Preparation(height=12, width=12, channels=1),
        params={"split_seed": 0, "test_share": 0.2},
        metrics={},
        lineage={},
        report=None,
        card="# base",
        sample=IMAGES,
    )


def judged_by(model: Path) -> Judged:
    probabilities, refused = PortableModel(model).answer(IMAGES)
    return Judged(
        healthy=True,
        hits=probabilities.argmax(axis=1) == TRUE,
        labels=np.asarray(CLASSES)[TRUE],
        log_losses=-np.log(probabilities[np.arange(60), TRUE]),
        refused=refused,
    )


def test_what_was_registered_answers_as_what_was_judged(registry, candidate):
    version = registry.register(candidate)
    judged, address = judged_by(candidate.model), f"models:/base/{version.number}"
    assert find_flaw(registry.address, address, IMAGES, judged) == ""
    another = replace(judged, hits=~judged.hits)
    assert find_flaw(registry.address, address, IMAGES, another) == (
        "the registered model answers 60 of 60 images otherwise"
    )
    less_sure = replace(judged, log_losses=judged.log_losses + 0.01)
    hits = int(judged.hits.sum())
    assert find_flaw(registry.address, address, IMAGES, less_sure) == (
        f"the registered model answers {hits} of 60 images otherwise"
    )


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"evil model")])
def test_a_damaged_file_cannot_be_asked(registry, candidate, damage):
    version = registry.register(candidate)
    damage(registry.model_path(version))
    judged = judged_by(candidate.model)
    flaw = find_flaw(registry.address, f"models:/base/{version.number}", IMAGES, judged)
    assert flaw.startswith("MLflow cannot load the registered model (")
    assert "Load model from" in flaw


def test_mlflow_loads_it_by_its_alias_with_names_and_requirements(registry, candidate):
    version = registry.register(candidate)
    path = registry.model_path(version).parent
    assert (path / "model.onnx").read_bytes() == candidate.model.read_bytes()
    lines = (path / "requirements.txt").read_text().splitlines()
    assert [line.partition("==")[0] for line in lines] == ["mlflow", "numpy", "onnx", "onnxruntime"]
    before = mlflow.get_tracking_uri()
    try:
        mlflow.set_tracking_uri(registry.address)
        model = mlflow.pyfunc.load_model("models:/base@challenger")
        answers = model.predict(IMAGES)
    finally:
        mlflow.set_tracking_uri(before)
    expected, refused = PortableModel(candidate.model).answer(IMAGES)
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-6)
    assert list(answers["label"]) == [CLASSES[at] for at in expected.argmax(axis=1)]
    assert answers["refused"].tolist() == refused.tolist() == [False] * 60
    assert model.metadata.metadata["classes"] == list(CLASSES)
