"""A base that has not seen the classes that it is transferred to, or learned from other images."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import shrunken, squares

from flows.config import Config, RetrainConfig, StudyConfig
from flows.main import main
from flows.study import study
from tasks.data.mnist import dataset_sha256
from tasks.data.pictures import prepare_arrays
from tasks.errors import InputError
from tasks.schemas.images import Preparation
from tasks.schemas.references import Dataset, Split
from tasks.storage.store import Store

flow = pytest.mark.usefixtures("forked_workers", "blank_pictures")


def metrics_of(report: Path) -> dict:
    return json.loads((report / "metrics.json").read_text())


def sha256_of(folder: Path, images: np.ndarray, labels: np.ndarray, rows: int) -> str:
    """The digest of a data set with so many training images, test images behind them."""
    store = Store(folder)
    parts = (slice(None, rows), slice(rows, None))
    splits = [
        Split(inputs=store.add_array("i", images[part]), labels=store.add_array("l", labels[part]))
        for part in parts
    ]
    return dataset_sha256(Dataset(train=splits[0], test=splits[1]))


@flow
def test_a_base_of_the_others_has_no_image_of_the_classes(tiny_dataset, tmp_path):
    config = shrunken(tiny_dataset, tmp_path / "artifacts")
    config = config.model_copy(update={"base_classes": "others", "base_epochs": 6})
    metrics = metrics_of(main(config))
    (x, y), (x_test, y_test) = squares(1500, seed=1), squares(100, seed=2)
    train, test = np.flatnonzero(y > 1), np.flatnonzero(y_test > 1)
    images = np.concatenate([x[train], x_test[test]])
    labels = np.concatenate([y[train], y_test[test]]) - np.uint8(2)
    expected = sha256_of(tmp_path / "expected", images[..., None], labels, len(train))
    assert metrics["base"] == {
        "classes": [2, 3, 4, 5, 6, 7, 8, 9],
        "asked": 2,
        "seen": [],
        "other_images": False,
        "sha256": expected,
        "train": 1200,
        "test": 80,
    }
    base, *heads = metrics["models"]
    assert (base["n"], len(base["confusion"])) == (80, 8)
    assert [(head["n"], head["learned"]) for head in heads] == [(20, True)] * 2
    assert metrics["verdict"][0]["claim"].startswith(
        "Every head on a base that had seen none of these classes learned"
    )
    for mistakes in metrics["mistakes"]:  # places among all test images
        for image in mistakes["images"]:
            assert y_test[image["image"]] == image["label"]
    chosen = StudyConfig(
        **config.model_dump(include={"dataset", "recipes", "base_epochs", "head_epochs", "folds"}),
        base_classes="others",
        subsets=((0, 1), (4, 2, 5)),
        workers=1,
        artifacts=config.artifacts,
    )
    found = metrics_of(study(chosen))
    trials = {(tuple(one["classes"]), one["head"]): one for one in found["trials"]}
    assert {one["n"] for one in found["transfers"]} == {20, 30}
    for head in heads:  # the same but for rounding
        assert trials[(0, 1), head["model"]]["errors"] == head["errors"]
    assert trials[(4, 2, 5), "three-node"]["errors"] is not None
    assert "bases that had seen none of their subset's classes" in found["verdict"][0]["claim"]


@flow
def test_a_base_of_other_images_takes_them_in_the_form_of_the_data_set(tiny_dataset, tmp_path):
    images, labels = squares(600, seed=5)
    other = tmp_path / "other.npz"
    larger = np.repeat(np.repeat(images, 2, axis=1), 2, axis=2)
    names = np.array(list("abcdefghij"))[labels]
    np.savez(other, x_train=larger, y_train=names, x_test=larger[:50], y_test=names[:50])
    config = shrunken(tiny_dataset, tmp_path / "artifacts")
    metrics = metrics_of(main(config.model_copy(update={"base_dataset": str(other)})))
    base, *heads = metrics["models"]
    assert metrics["base"]["classes"] == list("abcdefghij")
    assert metrics["base"]["other_images"]
    assert (metrics["base"]["train"], metrics["base"]["test"], base["n"]) == (600, 50, 50)
    assert metrics["dataset"]["train"] == 1500
    assert [(head["n"], head["errors"]) for head in heads] == [(20, 0)] * 2
    rows = [*range(600), *range(50)]
    prepared = prepare_arrays(larger, Preparation(height=28, width=28, channels=1))
    assert np.abs(prepared - images.astype(int)).max() <= 60
    expected = sha256_of(tmp_path / "expected", prepared[rows], labels[rows], 600)
    assert metrics["base"]["sha256"] == expected


CLASSES = ("ant", "bee", "cat", "dog")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("all", CLASSES),
        ("others", ("ant", "cat")),
        (("dog", "ant"), ("dog", "ant")),
    ],
)
def test_the_classes_of_the_base(asked, expected):
    config = Config(base_classes=asked, classes=("dog", "bee"))
    assert config.classes_of_the_base(CLASSES, config.classes) == expected


def test_a_base_without_two_classes_or_with_unknown_ones_is_refused():
    with pytest.raises(InputError) as error:
        Config(base_classes="others").classes_of_the_base(CLASSES, ("ant", "bee", "cat"))
    assert str(error.value) == (
        "--base-classes others leaves 1 of 4 classes, of which a base needs two; transfer to "
        "fewer, or give --base-dataset"
    )
    with pytest.raises(InputError, match="the data have no class cow; the nearest are"):
        Config(base_classes=("ant", "cow")).classes_of_the_base(("ant", "crow"), ("ant", "crow"))


@flow
@pytest.mark.parametrize(
    ("run", "chosen"),
    [
        (main, {"classes": (1, 2, 3, 4, 5, 6, 7, 8, 9)}),
        (study, {"subsets": ((0, 1), range(1, 10))}),
    ],
    ids=["main", "study"],
)
def test_a_base_without_two_classes_is_refused_before_anything_is_trained(
    run, chosen, tiny_dataset, tmp_path
):
    kind = Config if run is main else StudyConfig
    told = {"dataset": str(tiny_dataset), "base_classes": "others", "artifacts": tmp_path}
    with pytest.raises(InputError, match="--base-classes others leaves 1 of 10 classes"):
        run(kind(**told, **chosen))
    assert not (tmp_path / "models").exists()


def test_a_base_of_other_images_is_not_retrained():
    with pytest.raises(ValueError, match="a base of other images is not retrained; give --model"):
        RetrainConfig(base_dataset="digits", model="base")


def test_only_a_folder_keeps_the_last_runs_alone():
    with pytest.raises(ValueError, match="only artifacts in a folder are removed; leave --keep"):
        RetrainConfig(artifacts="s3://b/c", registry="http://127.0.0.1:5000", keep=3)
