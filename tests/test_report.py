import csv
import io
import json
import shutil

import pytest

from tasks.compare import tabulate
from tasks.evaluate import Evaluation
from tasks.networks.keeping import Attempt
from tasks.networks.trained import TrainedModel
from tasks.networks.training import Course
from tasks.plots.curves import draw_learning_curves
from tasks.report import write_folder
from tasks.reporting.comparison import PUBLISHED, Result, describe_models
from tasks.reporting.page import render
from tasks.reporting.words import conclude
from tasks.storage.references import ModelReference
from tasks.storage.store import Store


def model(name: str, accuracy: float, n: int = 100, **update) -> dict:
    return {
        "recipe": "notebook",
        "model": name,
        "loss": 0.25,
        "accuracy": accuracy,
        "errors": round(n * (1 - accuracy)),
        "n": n,
        "learned": accuracy > 0.55,
        "attempts": 1,
        "epochs": 2,
        "fit_seconds": 1.5,
        "weights_sha256": "ab",
        "parameters": 325_282,
        "trainable_parameters": 232_610,
        "published_loss": PUBLISHED[name][0],
        "published_accuracy": PUBLISHED[name][1],
        "attempt_log": [
            {
                "seed": 1,
                "outcome": "learned",
                "course": {"seconds": 1.5, "epochs": [{"loss": 0.5, "accuracy": 0.6}] * 2},
            }
        ],
    } | update


@pytest.fixture
def metrics() -> dict:
    return {
        "conclusion": ["The base model reached <90 %>."],
        "dataset": {
            "name": "MNIST",
            "source": "/data/<mnist>",
            "sha256": "cd",
            "notice": "",
            "train": 60_000,
            "test": 10_000,
            "classes": [0, 1],
            "train_subset": 12_665,
            "test_subset": 2_115,
        },
        "config": {"classes": [0, 1], "seed": 0},
        "environment": {"python": "3.11.7"},
        "models": [
            model("base", 0.9, 1000),
            model("two-node", 0.99),
            model("one-node", 0.5),
        ],
        "tasks": [{"task": "load", "state": "Cached", "seconds": 0.25}],
    }


def pages(metrics: dict) -> dict[str, str]:
    models = metrics["models"]
    return render(metrics, tabulate(models), draw_learning_curves(models))


def test_the_same_metrics_give_the_same_bytes(metrics):
    assert pages(metrics) == pages(metrics)


def test_metrics_come_back_whole(metrics):
    assert json.loads(pages(metrics)["metrics.json"]) == metrics


def test_the_comparison_has_the_published_numbers_beside_each_model(metrics):
    rows = list(csv.DictReader(io.StringIO(pages(metrics)["comparison.csv"])))
    assert [row["model"] for row in rows] == ["base", "two-node", "one-node"]
    assert [row["errors"] for row in rows] == ["100", "1", "50"]
    assert [row["learned"] for row in rows] == ["True", "True", "False"]
    assert [row["published_accuracy"] for row in rows] == ["0.877", "0.99953", "0.99953"]
    assert "notebook's loss" in pages(metrics)["report.md"]
    assert "0.99953" not in pages(metrics)["report.md"]
    assert "99.953 %" in pages(metrics)["report.md"]


@pytest.mark.parametrize(("is_mnist", "classes"), [(False, (0, 1)), (True, (3, 5))])
def test_published_numbers_stand_only_beside_the_notebooks_own_case(is_mnist, classes):
    evaluation = Evaluation(loss=0.1, accuracy=0.9, errors=10, n=100, learned=True)
    model = ModelReference(
        path="m", sha256="s", weights_sha256="w", parameters=3, trainable_parameters=2
    )
    attempt = Attempt(seed=1, course=Course(), outcome="learned")
    trained = TrainedModel(name="base", model=model, attempts=(attempt,), precision="float32")
    results = [Result("tuned", trained, evaluation)]
    (row,) = describe_models(results, is_mnist, classes)
    assert (row["published_loss"], row["published_accuracy"]) == (None, None)
    (row,) = describe_models(results, True, (0, 1))
    assert (row["published_loss"], row["published_accuracy"]) == (0.01645, 0.877)


def test_columns_of_published_numbers_are_left_out_where_there_are_none(metrics):
    for row in metrics["models"]:
        row |= {"published_loss": None, "published_accuracy": None}
    assert "notebook's loss" not in pages(metrics)["report.md"]
    assert "notebook's loss" not in pages(metrics)["report.html"]


def test_the_page_is_escaped_and_needs_no_network(metrics):
    page = pages(metrics)["report.html"]
    assert "/data/&lt;mnist&gt;" in page
    assert "<mnist>" not in page
    assert "<svg" in page
    for outside in ('src="http', 'href="http', "@import", "url("):
        assert outside not in page.replace("url(#", "")


def test_a_notice_stands_above_the_conclusion(metrics):
    metrics["dataset"]["notice"] = "digits stand in for MNIST"
    for text in (pages(metrics)["report.md"], pages(metrics)["report.html"]):
        assert text.index("digits stand in for MNIST") < text.index("Conclusion")


def test_the_conclusion_says_what_learned_and_what_did_not(metrics):
    assert conclude(metrics["models"]) == [
        "With the recipe notebook the base model reached 90.00% on 1,000 test images. "
        "Its features carried over to the two-node (1 error of 100) head. "
        "The one-node (50.00%) head did not learn: always answering the most frequent class "
        "does as well. Do not use it."
    ]


def test_latest_points_at_the_newest_report(tmp_path):
    store = Store(tmp_path)
    first = write_folder(store, {"report.md": "one"})
    second = write_folder(store, {"report.md": "two"})
    reports = tmp_path / "reports"
    assert (reports / "latest" / "report.md").read_text() == "two"
    assert (first / "report.md").read_text() == "one"
    assert {path.name for path in reports.iterdir()} == {first.name, second.name, "latest"}
    assert list((tmp_path / "tmp").iterdir()) == []


def test_latest_may_have_become_a_folder_in_a_copy(tmp_path):
    write_folder(Store(tmp_path / "a"), {"report.md": "one"})
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    write_folder(Store(tmp_path / "b"), {"report.md": "two"})
    assert (tmp_path / "b" / "reports" / "latest" / "report.md").read_text() == "two"
