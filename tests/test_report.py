import csv
import io
import json

import pytest

from tasks.report import write_folder
from tasks.reporting.page import render
from tasks.reporting.words import conclude


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


def test_the_same_metrics_give_the_same_bytes(metrics):
    assert render(metrics) == render(metrics)


def test_metrics_come_back_whole(metrics):
    assert json.loads(render(metrics)["metrics.json"]) == metrics


def test_the_comparison_has_the_published_numbers_beside_each_model(metrics):
    rows = list(csv.DictReader(io.StringIO(render(metrics)["comparison.csv"])))
    assert [row["model"] for row in rows] == ["base", "two-node", "one-node"]
    assert [row["errors"] for row in rows] == ["100", "1", "50"]
    assert [row["learned"] for row in rows] == ["True", "True", "False"]
    assert [row["published_accuracy"] for row in rows] == ["0.877", "0.99953", "0.99953"]


@pytest.mark.parametrize("update", [{"name": "digits"}, {"classes": [3, 5]}])
def test_published_numbers_stand_only_beside_the_notebooks_own_case(metrics, update):
    metrics["dataset"] |= update
    rows = list(csv.DictReader(io.StringIO(render(metrics)["comparison.csv"])))
    assert {row["published_loss"] for row in rows} == {""}
    assert "notebook's loss" not in render(metrics)["report.md"]


def test_the_page_is_escaped_and_needs_no_network(metrics):
    page = render(metrics)["report.html"]
    assert "/data/&lt;mnist&gt;" in page
    assert "<mnist>" not in page
    assert "<svg" in page
    for outside in ('src="http', 'href="http', "@import", "url("):
        assert outside not in page.replace("url(#", "")


def test_a_notice_stands_above_the_conclusion(metrics):
    metrics["dataset"]["notice"] = "digits stand in for MNIST"
    for text in (render(metrics)["report.md"], render(metrics)["report.html"]):
        assert text.index("digits stand in for MNIST") < text.index("Conclusion")


def test_the_conclusion_says_what_learned_and_what_did_not(metrics):
    assert conclude(metrics["models"]) == [
        "With the recipe notebook the base model reached 90.00% on 1,000 test images. "
        "Its features carried over to the two-node (1 error of 100) head. "
        "The one-node (50.00%) head did not learn: always answering the most frequent class "
        "does as well. Do not use it."
    ]


def test_latest_points_at_the_newest_report(tmp_path):
    first = write_folder(tmp_path, {"report.md": "one"})
    second = write_folder(tmp_path, {"report.md": "two"})
    assert (tmp_path / "latest" / "report.md").read_text() == "two"
    assert (first / "report.md").read_text() == "one"
    assert {path.name for path in tmp_path.iterdir()} == {first.name, second.name, "latest"}
