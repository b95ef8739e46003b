"""Other people's images, from the folder to a report, a champion and labels for new pictures."""

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from deliveries import used_batches
from pictures import KINDS, LETTERS, draw_letters, save_shapes
from PIL import Image

from flows.config import PredictConfig, RetrainConfig, StudyConfig
from flows.predict import label_with_champion
from flows.retrain import retrain
from flows.study import study
from tasks.data.read import find_source, read_source
from tasks.data.source import Images, Reading
from tasks.registry.registry import Registry, only_model
from tasks.registry.version import Version
from tasks.storage.store import Store

SIDE = 16  # pixels of the shapes that are trained on

pytestmark = pytest.mark.usefixtures("unasked")


@pytest.fixture(scope="module")
def shapes(tmp_path_factory) -> Path:
    """A folder of 60 colour JPEGs of each of three shapes, of different sizes."""
    folder = tmp_path_factory.mktemp("data") / "shapes"
    save_shapes(folder, 60, seed=0)
    return folder


@pytest.fixture(scope="module")
def shapes_in_use(shapes, tmp_path_factory) -> RetrainConfig:
    """A retraining on the shapes by the recipe's own steps."""
    folder = tmp_path_factory.mktemp("shapes")
    config = RetrainConfig(
        dataset=str(shapes),
        image_size=SIDE,
        inbox=str(folder / "inbox"),
        artifacts=folder / "artifacts",
        model="base",
        settle=0,
    )
    Path(config.inbox).mkdir()
    assert retrain(config).message.endswith("there was no champion yet.")
    return config


def metrics_of(artifacts: object) -> dict:
    return json.loads((Path(str(artifacts)) / "reports/latest/metrics.json").read_text())


def predictions(artifacts: object, images: Path, output: Path) -> list[dict[str, str]]:
    """The table that `flows/predict.py` writes, of the only model that is registered."""
    label_with_champion(PredictConfig(images=(images,), artifacts=str(artifacts), output=output))
    with output.open(newline="") as file:
        return list(csv.DictReader(file))


def retrained(config: RetrainConfig, batch: tuple[np.ndarray, np.ndarray]) -> Version:
    """The champion after a first retraining, with a batch in the inbox."""
    Path(config.inbox).mkdir()
    images, labels = batch
    np.savez(Path(config.inbox) / "more.npz", images=images, labels=labels)
    assert "Promoted" in retrain(config).message
    assert not list(Path(config.inbox).glob("quarantine/*"))
    champion = Registry(
        Store.at(config.artifacts), None, only_model(Store.at(config.artifacts), None)
    ).champion()
    assert champion is not None
    return champion


def accuracy_of(rows: list[dict[str, str]], labels: np.ndarray) -> float:
    hits = [row["label"] == label for row, label in zip(rows, labels, strict=True)]
    return float(np.mean(hits))


def base_row(metrics: dict) -> dict:
    return next(row for row in metrics["models"] if row["model"] == "base")


def files_of_the_test_split(images: Images, dataset: Path) -> Iterator[tuple[Path, str]]:
    """Those pictures of a folder that are held out, each with its class."""
    held_out = {image.tobytes() for image in images.test_images}
    for path in sorted(dataset.glob("*/*.jpg")):
        if prepared(path, images).tobytes() in held_out:
            yield path, path.parent.name


def prepared(path: Path, images: Images) -> np.ndarray:
    from tasks.data.pictures import read_picture

    return read_picture(path.read_bytes(), str(path), images.preparation).pixels


def test_shapes_are_told_apart_by_their_names(shapes_in_use):
    metrics = metrics_of(shapes_in_use.artifacts)
    assert [row["class"] for row in metrics["class_counts"]] == list(KINDS)
    assert [row["test"] for row in metrics["class_counts"]] == [12, 12, 12]
    assert [row["train"] for row in metrics["class_counts"]] == [48, 48, 48]
    assert metrics["config"]["classes"] == ["circle", "square"]
    assert metrics["config"]["recipes"] == ["tuned"]
    assert base_row(metrics)["accuracy"] >= 0.95
    (refusal,) = (row for row in metrics["refusals"] if row["model"] == "base")
    assert (refusal["held_out"], refusal["promise"]) == (144, "on average")
    own, noise, *_ = refusal["kinds"]
    assert own["refused"] <= 2
    assert noise["kind"] == "noise"
    assert noise["refused"] >= 900
    for mistakes in metrics["mistakes"]:
        assert {image["label"] for image in mistakes["images"]} <= set(KINDS)


def test_what_the_report_says_of_files_is_what_prediction_does_with_them(
    shapes, shapes_in_use, tmp_path
):
    images = read_source(find_source(str(shapes), 0, Reading(image_size=SIDE)))
    files = dict(files_of_the_test_split(images, shapes))
    assert len(files) == 36
    (tmp_path / "held-out").mkdir()
    for number, path in enumerate(files):
        (tmp_path / "held-out" / f"{number:02}.jpg").write_bytes(path.read_bytes())
    rows = predictions(shapes_in_use.artifacts, tmp_path / "held-out", tmp_path / "labels.csv")
    hits = [row["label"] == name for row, name in zip(rows, files.values(), strict=True)]
    champion = Registry(Store.at(shapes_in_use.artifacts), None, "base").champion()
    assert champion.classes == KINDS
    assert np.mean(hits) == champion.metrics["accuracy"]
    refusals = metrics_of(shapes_in_use.artifacts)["refusals"]
    (told,) = (row["kinds"][0]["refused"] for row in refusals if row["model"] == "base")
    assert sum(row["refused"] == "true" for row in rows) == told


def test_what_the_report_says_of_arrays_is_what_prediction_does_with_them(
    shapes, shapes_in_use, tmp_path
):
    images = read_source(find_source(str(shapes), 0, Reading(image_size=SIDE)))
    np.savez(tmp_path / "held-out.npz", images=images.test_images)
    rows = predictions(shapes_in_use.artifacts, tmp_path / "held-out.npz", tmp_path / "labels.csv")
    assert {row["conversion"] for row in rows} == {"as it is"}
    truth = [KINDS[label] for label in images.test_labels]
    hits = [row["label"] == name for row, name in zip(rows, truth, strict=True)]
    champion = Registry(Store.at(shapes_in_use.artifacts), None, "base").champion()
    assert np.mean(hits) == champion.metrics["accuracy"]


@pytest.mark.usefixtures("blank_pictures")
def test_a_batch_of_shapes_is_taken_in_and_one_of_another_class_is_not(shapes_in_use, tmp_path):
    folder = tmp_path / "artifacts"
    shutil.copytree(shapes_in_use.artifacts, folder, symlinks=True)
    config = shapes_in_use.model_copy(
        update={
            "artifacts": str(folder),
            "base_epochs": 20,
            "head_epochs": 1,
            "train_anyway": True,
        }
    )
    inbox = Path(config.inbox)
    save_shapes(inbox / "monday", 20, seed=1)
    save_shapes(inbox / "tuesday", 5, seed=2)
    (inbox / "tuesday" / "square").rename(inbox / "tuesday" / "sqare")
    retrain(config)
    metrics = metrics_of(folder)
    assert [row["train"] for row in metrics["class_counts"]] == [64, 64, 64]
    reason = (inbox / "quarantine" / "tuesday.reason.txt").read_text()
    assert "is not in a folder named by its class, as in circle/a.png" in reason
    assert "the data have no class sqare; the nearest are square" in reason


@pytest.mark.usefixtures("forked_workers")
def test_letters_are_retrained_labelled_and_studied_by_their_names(tmp_path):
    x_train, y_train = draw_letters(20, seed=0)
    x_test, y_test = draw_letters(5, seed=1)
    path = tmp_path / "letters.npz"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    artifacts, names = tmp_path / "artifacts", ("o", "x")
    settings = {"dataset": str(path), "artifacts": artifacts, "folds": 0}
    retraining = RetrainConfig(**settings, classes=names, inbox=str(tmp_path / "inbox"), settle=0)
    champion = retrained(retraining, draw_letters(4, seed=2))
    metrics = metrics_of(artifacts)
    counts = metrics["class_counts"]
    assert [(row["class"], row["test"]) for row in counts] == [(letter, 6) for letter in LETTERS]
    # by its pixels a letter may be another one, and is set aside
    assert {row["train"] for row in counts} <= {22, 23}
    assert sum(row["train"] for row in counts) >= 26 * 23 - 5
    base, *heads = metrics["models"]
    assert len(base["confusion"]) == 26
    assert base["accuracy"] >= 0.95
    assert [head["accuracy"] for head in heads] == [1.0, 1.0]
    assert champion.classes == names
    is_asked = np.isin(y_test, names)
    np.savez(tmp_path / "test.npz", images=x_test[is_asked])
    rows = predictions(artifacts, tmp_path / "test.npz", tmp_path / "labels.csv")
    assert accuracy_of(rows, y_test[is_asked]) == champion.metrics["accuracy"] == 1
    study(StudyConfig(**settings, subsets=(names, ("i", "l", "t")), base_epochs=30, workers=1))
    report = artifacts / "reports/latest-study"
    trials = json.loads((report / "metrics.json").read_text())["trials"]
    assert [trial["classes"] for trial in trials] == [["o", "x"]] * 2 + [["i", "l", "t"]]
    assert "i l t,three-node" in (report / "trials.csv").read_text()


@pytest.mark.usefixtures("blank_pictures")
def test_one_of_five_hundred_is_found(tmp_path):
    """The rare class is in the training images 9 times, and 5 times in the test images."""
    rng = np.random.default_rng(0)

    def draw(common: int, rare: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.repeat(["common", "rare"], [common, rare])
        images = rng.integers(0, 60, (len(labels), 12, 12), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            top, left = rng.integers(0, 6, 2)
            image[top : top + 6, left : left + (2 if label == "rare" else 6)] += 150
        return images, labels

    (x_train, y_train), (x_test, y_test) = draw(4_000, 8), draw(400, 4)
    path = tmp_path / "rare.npz"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    config = RetrainConfig(
        dataset=str(path),
        model="base",
        inbox=str(tmp_path / "inbox"),
        artifacts=tmp_path / "artifacts",
        settle=0,
    )
    champion = retrained(config, draw(40, 2))
    assert champion.classes == ("common", "rare")
    metrics = metrics_of(config.artifacts)
    assert metrics["config"]["classes"] == ["common", "rare"]
    assert metrics["class_counts"] == [
        {"class": "common", "train": 4032, "test": 408},  # a fifth of what arrived is held out
        {"class": "rare", "train": 9, "test": 5},
    ]
    base, *heads = metrics["models"]
    assert base["confusion"][1][1] >= 3
    for model in (base, *heads):
        assert model["learned"]
        assert model["confusion"][1][1] >= 1
    store = Store.at(config.artifacts)
    (batch,) = used_batches(store)
    arrived, positions = batch.part(store, held_out=True)
    np.savez(tmp_path / "test.npz", images=np.concatenate([x_test, arrived]))
    rows = predictions(config.artifacts, tmp_path / "test.npz", tmp_path / "labels.csv")
    truth = np.concatenate([y_test, np.array(champion.classes)[positions]])
    assert accuracy_of(rows, truth) == champion.metrics["accuracy"]
    found = [row["label"] for row in rows if row["label"] == "rare"]
    assert len(found) >= 3


def test_digits_of_other_people_are_read_from_files_of_any_size(tmp_path):
    """A file of 100 x 100, dark on light, of what is 28 x 28 and light on dark as an array."""
    digits = read_source(find_source("digits", 0))
    assert digits.preparation.handwriting
    large = Image.fromarray(255 - 15 * digits.test_images[0]).resize((100, 100))
    large.save(tmp_path / "a.png")
    found = prepared(tmp_path / "a.png", digits)
    overlap = np.corrcoef(found.ravel(), digits.test_images[0].ravel())[0, 1]
    assert overlap > 0.85
