"""What a report says of refusals is what prediction does with the same images."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import squares

from flows.config import PredictConfig, RetrainConfig
from flows.predict import label_with_champion
from flows.retrain import retrain
from tasks.extract_unknown import unknown_images

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "squares.npz"
    (x_train, y_train), (x_test, y_test) = squares(2_400, seed=1), squares(300, seed=2)
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


def refused(artifacts: Path, images: np.ndarray) -> int:
    """How many of the images the only registered model refuses."""
    np.savez(artifacts / "images.npz", images=images)
    output = artifacts / "labels.csv"
    label_with_champion(
        PredictConfig(images=(artifacts / "images.npz",), artifacts=artifacts, output=output)
    )
    with output.open(newline="") as file:
        return sum(row["refused"] == "true" for row in csv.DictReader(file))


@pytest.mark.parametrize(
    ("model", "name", "classes", "base_classes", "folds"),
    [
        ("sigmoid", "one-node", (0, 1), "all", 2),
        ("base", "base", (0, 1), (2, 3, 4, 5), 0),
    ],
)
def test_a_model_refuses_what_the_report_says(
    tmp_path, data, model, name, classes, base_classes, folds
):
    config = RetrainConfig(
        dataset=str(data),
        inbox=str(tmp_path),
        model=model,
        classes=classes,
        base_classes=base_classes,
        base_epochs=6,
        head_epochs=5,
        refuse_own=0.05,
        folds=folds,
        artifacts=tmp_path / "artifacts",
    )
    assert "Promoted" in retrain(config).message
    artifacts = tmp_path / "artifacts"
    metrics = json.loads((artifacts / "reports/latest/metrics.json").read_text())
    (row,) = (row for row in metrics["refusals"] if row["model"] == name)
    own = classes if model == "sigmoid" else base_classes
    # in folds it is each of 240 training images of a class, else a tenth of them
    assert row["held_out"] == (240 if folds else 24) * len(own)
    assert row["promise"] == ("on average" if folds else "with 95\u00a0% confidence")
    told = {kind["kind"]: (kind["n"], kind["refused"]) for kind in row["kinds"]}
    images, labels = squares(300, seed=2)
    learned = tuple(range(10)) if base_classes == "all" else base_classes
    kinds = {
        "own": images[np.isin(labels, own)],
        **dict(unknown_images(images, labels, own, learned)),
    }
    assert told == {kind: (len(some), refused(artifacts, some)) for kind, some in kinds.items()}
    assert told["noise"][1] == 1_000
    others = [count for kind, count in told.items() if kind.startswith("other classes")]
    assert all(count[1] >= 0.9 * count[0] for count in others)
