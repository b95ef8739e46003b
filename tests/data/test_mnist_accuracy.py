"""Real MNIST: the shapes and counts of the published notebook."""

import csv
import json

import pytest

from flows.config import Config
from flows.main import main
from flows.recipes import RECIPES
from tasks.data.mnist import MNIST_SHA256


@pytest.mark.usefixtures("prefect_server", "blank_pictures", "small_guard")
def test_shapes_and_counts_of_the_notebook(mnist, tmp_path, caplog, monkeypatch):
    tuned = RECIPES["tuned"]
    plain = tuned.base.model_copy(update={"augmentation": None, "dropout": 0.0})
    monkeypatch.setitem(RECIPES, "tuned", tuned.model_copy(update={"base": plain}))
    config = Config(
        dataset=str(mnist),
        recipes=("tuned",),
        base_epochs=1,
        head_epochs=1,
        label_efficiency=False,
        artifacts=tmp_path,
    )
    report = main(config)
    dataset = json.loads((report / "metrics.json").read_text())["dataset"]
    assert {key: dataset[key] for key in dataset if key != "source"} == {
        "name": "MNIST",
        "sha256": MNIST_SHA256,
        "notice": "",
        "train": 60_000,
        "test": 10_000,
        "train_subset": 12_665,
        "test_subset": 2_115,
    }
    for line in (
        "60,000 training and 10,000 test images (28, 28) of 10 classes: 0, 1, 2, 3, 4, 5, ",
        "images (28, 28) -> (28, 28, 1)",
        "x_train (60000, 28, 28, 1) -> (12665, 28, 28, 1)",
        "x_test (10000, 28, 28, 1) -> (2115, 28, 28, 1)",
        "y_train (60000,) -> (60000, 10)",
        "y_train (12665,) -> (12665, 2)",
    ):
        assert line in caplog.text
    with (report / "comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["published_loss"], row["published_accuracy"]) for row in rows] == [
        ("0.01645", "0.877"),
        ("0.00054", "0.99953"),
        ("0.00105", "0.99953"),
    ]
