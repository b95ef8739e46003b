"""The report: from literal probabilities to its pages."""

import csv
import io
import json
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from flows.cli_types import reproducing_command
from flows.config import Config
from flows.recipes import RECIPES
from tasks.compare import draw
from tasks.evaluate import score
from tasks.plots.curves import draw_learning_curves
from tasks.report import reach_verdict
from tasks.reporting.experiment.analysis import (
    COLUMNS,
    Predictions,
    compare_heads,
    count_by_part,
    describe_models,
    describe_overlap,
    describe_refusal,
    find_doubts,
    find_hardest,
    list_mistakes,
)
from tasks.reporting.experiment.benefit import describe_label_efficiency
from tasks.reporting.folder import write_folder
from tasks.reporting.page import fill, render_report, say, tabulate
from tasks.schemas.references import ArrayReference, ModelReference
from tasks.schemas.results import (
    LEARNED,
    MARGINS,
    OTHER_CLASSES,
    Evaluation,
    LabelEfficiency,
    Refusal,
    Refused,
    Result,
)
from tasks.schemas.training import Attempt, EpochResult, History, TrainedModel
from tasks.storage.store import Store

EXPECTED = Path(__file__).parent / "expected"
REFERENCE = ArrayReference(path="a", sha256="s", shape=(1,), dtype="float32")
LABELS = np.array([0, 1, 0, 1, 2])
BASE = np.array(
    [[0.9, 0.1, 0], [0.2, 0.8, 0], [0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0, 0.1, 0.9]], np.float32
)
TWO = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]], np.float32)
ONE = np.array([[0.8, 0.2], [0.1, 0.9], [0.9, 0.1], [0.3, 0.7]], np.float32)


def result(name: str, probabilities: np.ndarray, dead_attempts: int = 0) -> Result:
    """A model with these predictions, after `dead_attempts` dead ones."""
    history = History(epochs=(EpochResult(loss=0.5, accuracy=0.6),) * 2, seconds=1.5)
    dead = Attempt(seed=1, history=history, outcome="predicts 1 of 2 classes")
    attempts = (dead,) * dead_attempts + (Attempt(seed=2, history=history, outcome="learned"),)
    model = ModelReference(
        path="m", sha256="s", weights_sha256="ab", parameters=325_282, trainable_parameters=232_610
    )
    trained = TrainedModel(
        name=name, model=model, attempts=attempts, temperature=1, precision="float32"
    )
    classes = probabilities.shape[1]
    one_hot = np.eye(classes, dtype=np.float32)[LABELS[np.less(LABELS, classes)]]
    scores = score(probabilities, one_hot, RECIPES["tuned"].head)
    return Result(
        recipe="notebook",
        trained=trained,
        evaluation=Evaluation(scores=scores, probabilities=REFERENCE),
    )


def described(results: list[Result], is_mnist: bool = False) -> list[dict]:
    return describe_models(results, is_mnist, classes=(0, 1), of_base=(0, 1, 2))


def predictions(name: str, probabilities: np.ndarray) -> Predictions:
    classes = probabilities.shape[1]
    rows = np.flatnonzero(np.less(LABELS, classes))
    return Predictions("notebook", name, probabilities, LABELS[rows], rows, tuple(range(classes)))


def refused(kind: str, n: int, refused: int) -> Refused:
    bins = len(MARGINS) - 1
    return Refused(kind=kind, n=n, refused=refused, confident=n // 4, counts=(n, *[0] * (bins - 1)))


def refusal(own: int = 1, others: int = 999, is_sure: bool = True) -> dict:
    """A model that refuses so many of 400 own and of 1,000 other images."""
    return describe_refusal("notebook", refusing(own, others, is_sure))


def only_noise() -> Refusal:
    found = refusing(1, 999, is_sure=True)
    return found.model_copy(update={"unknown": found.unknown[1:]})


def refusing(own: int, others: int, is_sure: bool) -> Refusal:
    return Refusal(
        model="two-node",
        file=ModelReference(
            path="g", sha256="s", weights_sha256="ab", parameters=3, trainable_parameters=0
        ),
        share=0.01,
        held_out=1_266,
        folds=1,
        is_sure=is_sure,
        own=refused("own", 400, own),
        unknown=(refused(LEARNED, 1_000, others), refused("noise", 1_000, 1_000)),
    )


RIGHT = {"frozen": 99, "fine-tuned": 98, "scratch": 80, "linear": 70, "base alone": 99}


def label_efficiency() -> dict:
    """Right on so many of 100 test images with 2 labelled images and with 4, in two draws."""
    hits = [np.broadcast_to(np.arange(100) < n, (2, 2, 100)) for n in RIGHT.values()]
    found = [LabelEfficiency(approach=name, images=(2, 4), hits=REFERENCE) for name in RIGHT]
    return describe_label_efficiency("notebook", found, hits)


BASE_SAW_ALL = {
    "classes": [0, 1, 2],
    "asked": 2,
    "seen": [0, 1],
    "other_images": False,
    "sha256": "cd",
    "train": 60_000,
    "test": 5,
}


def bare(models: list[dict], base: dict) -> dict:
    """The analysis of these models alone."""
    return {"models": models, "base": base, "heads": [], "label_efficiency": None, "refusals": []}


PREDICTED = [predictions("base", BASE), predictions("two-node", TWO), predictions("one-node", ONE)]


@pytest.fixture
def metrics() -> dict:
    results = [
        result("base", BASE),
        result("two-node", TWO, dead_attempts=1),
        result("one-node", ONE),
    ]
    once = [row | {"recipe": "as published, one attempt"} for row in described(results[:1], True)]
    analysis = {
        "base": BASE_SAW_ALL,
        "models": described(results, is_mnist=True),
        "as_published": once,
        "heads": compare_heads(PREDICTED),
        "label_efficiency": label_efficiency(),
        "mistakes": list_mistakes(PREDICTED),
        "overlap": describe_overlap(np.array([False, False, False, True, False]), PREDICTED),
        "parts": [],
        "refusals": [refusal()],
        "class_counts": [{"class": 0, "train": 5_923, "test": 2}],
    }
    return {
        "verdict": reach_verdict(analysis),
        **analysis,
        "dataset": {
            "name": "MNIST",
            "source": "/data/<mnist>",
            "sha256": "cd",
            "notice": "",
            "train": 60_000,
            "test": 5,
            "train_subset": 12_665,
            "test_subset": 4,
        },
        "config": {"classes": [0, 1], "refuse_own": 0.01, "seed": 0},
        "command": "python flows/main.py",
        "environment": {"python": "3.11.7"},
        "tasks": [{"task": "load", "state": "Cached", "seconds": 0.25}],
    }


def pages(metrics: dict) -> dict[str, str]:
    test = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), dtype=np.uint8)
    pictures = dict(draw(metrics, PREDICTED, test, test))
    table = tabulate(metrics["models"], COLUMNS)
    return render_report("experiment", metrics, pictures) | {"comparison.csv": table}


def claims(metrics: dict) -> list[str]:
    return [finding["claim"] for finding in metrics["verdict"]]


@pytest.mark.parametrize("name", ["report.html", "report.md", "comparison.csv", "metrics.json"])
def test_the_report_is_the_stored_one(metrics, name):
    """After a change that is meant: `python tests/reporting/test_report.py` stores it again."""
    assert pages(metrics)[name] == (EXPECTED / name).read_text()


def test_metrics_come_back_whole(metrics):
    assert json.loads(pages(metrics)["metrics.json"]) == metrics


PLACE = {"local": "file:///a/report.html", "path": "s3://b/report.html", "is_remote": False}
SURE = {"chance": 0.05}  # to be as often right by chance


@pytest.mark.parametrize(
    ("chances", "claim"),
    [
        ((0.06, 0, 0), "notebook base was not shown to be right more often than by chance."),
        (
            (0, 0.06, 0.06),
            "notebook two-node and notebook one-node were not shown to be right more often than by "
            "chance.",
        ),
    ],
)
def test_models_that_may_be_right_by_chance_are_not_said_to_have_learned(metrics, chances, claim):
    models = [row | {"chance": one} for row, one in zip(metrics["models"], chances, strict=True)]
    (found, *_) = reach_verdict(bare(models, BASE_SAW_ALL))
    assert found["claim"] == claim


def test_the_verdict_follows_from_the_numbers(metrics):
    assert claims(metrics) == [
        "With a base that had seen these classes and images, transfer helps at every number of "
        "labels: with all of them a head on the frozen backbone is 19.00 points more accurate than "
        "the same network trained from scratch. The base alone, which needs no labels, was not "
        "shown to be less accurate than transfer with all labels.",
        "notebook base, notebook two-node and notebook one-node were not shown to be right more "
        "often than by chance.",
        "Test images of the classes are unequal in number; none was shown to be recognised less.",
        "Two output nodes and one were not shown to differ.",
        "At the promised cost of at most 1\u00a0% of their own images (0.2\u00a0% of the test "
        "images), 99.9\u00a0% or more of "
        "other classes' images are refused.",
    ]
    evidence = metrics["verdict"][3]["evidence"]
    assert "agree on 75.00\u00a0% of 4 test images" in evidence
    assert "only two nodes are correct on 0, only one on 1 (exact McNemar test, p = 1)" in evidence


def test_a_head_that_is_of_no_use_leads_the_verdict():
    found = described([result("two-node", TWO[:, ::-1].copy())])
    assert [one["claim"] for one in reach_verdict(bare(found, BASE_SAW_ALL))] == [
        "Do not use notebook two-node: always predicting the most frequent class is as accurate."
    ]


@pytest.mark.parametrize(
    ("attempts", "sentence"),
    [
        ((1, 1, 1), "learned."),
        ((2, 1, 1), "learned; the health gate stopped 1 initialisation of bases."),
        ((1, 2, 3), "learned; the health gate stopped 3 initialisations of heads."),
        (
            (3, 2, 1),
            "learned; the health gate stopped 2 initialisations of bases and 1 initialisation of "
            "heads.",
        ),
    ],
)
def test_dead_attempts_are_those_of_the_base_or_of_heads(metrics, attempts, sentence):
    models = [
        row | {"attempts": n} | SURE for row, n in zip(metrics["models"], attempts, strict=True)
    ]
    (found, *_) = reach_verdict(bare(models, BASE_SAW_ALL))
    assert found["claim"] == (
        f"Every head on a base that had seen these classes and images {sentence}"
    )


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value", "claim"),
    [
        (9, 1, 0.02, "For these classes two output nodes are better, by 8 of 1,000 test images."),
        (1, 9, 0.02, "For these classes one output node is better, by 8 of 1,000 test images."),
        (3, 1, 0.6, "Two output nodes and one were not shown to differ."),
    ],
)
def test_the_heads_are_judged_by_their_test(metrics, only_first, only_second, p_value, claim):
    row = {"only_first": only_first, "only_second": only_second, "p_value": p_value, "n": 1_000}
    assert say("experiment", "heads", metrics["heads"][0] | row)["claim"] == claim


@pytest.mark.parametrize(
    ("base", "seen"),
    [
        ({"seen": []}, "a base that had seen none of these classes"),
        ({"seen": [1]}, "a base that had seen 1 of these classes"),
        ({"seen": [], "other_images": True}, "a base of other images"),
    ],
)
def test_the_verdict_says_what_the_base_had_seen(metrics, base, seen):
    models = [row | SURE for row in metrics["models"]]
    (found, *_) = reach_verdict(bare(models, metrics["base"] | base))
    assert found["claim"].startswith(f"Every head on {seen} learned")


@pytest.mark.parametrize(
    ("row", "claim"),
    [
        (
            refusal(own=9),
            "More than the promised 1\u00a0% of their own test images are refused by notebook "
            "two-node.",
        ),
        (
            refusal(own=8, others=0),
            "At the promised cost of at most 1\u00a0% of their own images (2.0\u00a0% of the test "
            "images), 0.0\u00a0% or more of other "
            "classes' images are refused.",
        ),
        (
            refusal() | {"kinds": [refusal()["kinds"][0], refusal()["kinds"][2]]},
            "At the promised cost of at most 1\u00a0% of their own images (0.2\u00a0% of the test "
            "images), all noise and the like are "
            "refused.",
        ),
        (
            [refusal() | {"promise": "none"}, refusal(others=990) | {"model": "base"}],
            "At the promised cost of at most 1\u00a0% of their own images (0.2\u00a0% of the test "
            "images), 99.0\u00a0% or more of other "
            "classes' images are refused, by notebook base.",
        ),
        (
            refusal() | {"promise": "none", "held_out": 98},
            "The models refuse nothing: 98 held-out images of their classes are too few to lose at "
            "most 1\u00a0% of them.",
        ),
    ],
)
def test_the_verdict_says_what_is_refused(row, claim):
    rows = row if isinstance(row, list) else [row]
    assert say("experiment", "refusals", rows, OTHER_CLASSES)["claim"] == claim


def test_what_a_refusal_means_depends_on_how_many_others_there_are():
    row = refusal(others=990)
    assert row["meaning"] == {
        "1\u00a0%": pytest.approx(0.5),
        "10\u00a0%": pytest.approx(0.099 / (0.099 + 0.009)),
        "50\u00a0%": pytest.approx(0.99),
    }
    assert row["sentence"].replace("\u00a0", " ") == (
        "notebook two-node: at most 1 % of its own images are refused, with 95 % confidence (1,266 "
        "held-out images). Where 1 %, 10 % and 50 % of all images are others, 50 %, 92 % and 99 % "
        "of the refused ones are."
    )


def test_a_promise_that_is_broken_is_said_to_be():
    row = refusal(own=40, others=990)  # at least 7.24 %, by Clopper and Pearson
    assert row["meaning"]["50\u00a0%"] == pytest.approx(0.99 / (0.99 + 0.0724), abs=1e-3)
    said = row["sentence"].replace("\u00a0", " ").partition(" Where ")[0]
    assert said == (
        "notebook two-node: 40 of 400 of its own test images are refused, more than the promised "
        "1 % (1,266 held-out images)."
    )


def test_noise_is_not_what_others_are():
    row = describe_refusal("notebook", only_noise())
    assert row["meaning"] == {}
    assert row["sentence"].replace("\u00a0", " ") == (
        "notebook two-node: at most 1 % of its own images are refused, with 95 % confidence (1,266 "
        "held-out images)."
    )


def test_the_heads_differ_most_where_it_says(metrics):
    (heads,) = metrics["heads"]
    assert [row["image"] for row in heads["differences"]] == [3, 2, 0, 1]
    assert heads["differences"][0] == {
        "image": 3,
        "label": 1,
        "two_node": pytest.approx(0.4),
        "one_node": pytest.approx(0.7),
    }


def test_the_hardest_images_come_first(metrics):
    two = metrics["mistakes"][1]["images"]
    assert [row["image"] for row in two] == [3, 2, 1, 0]
    assert (two[0]["label"], two[0]["predicted"]) == (1, 0)


def test_a_label_is_in_doubt_where_the_model_is_as_sure_as_of_that_classes_own_images():
    probabilities = np.array(
        [[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.81, 0.19], [0.79, 0.21], [0.3, 0.7]], np.float32
    )
    labels = np.array([0, 0, 1, 1, 1, 0])  # own images of 0 have 0.9, 0.7 and 0.3: 0.63 on average
    # of 1 they have 0.8, 0.19 and 0.21: 0.4; but one of two that are called 1 is one
    model = Predictions("tuned", "base", probabilities, labels, np.arange(6), ("a", "b"))
    assert not find_doubts(model).any()
    # with more images it is 9 of 10; and 6 of 7 of those that are called 0 with 0.8 or more
    many = np.concatenate([probabilities, [[0.9, 0.1]] * 5, [[0.2, 0.8]] * 8])
    of_many = np.concatenate([labels, [0] * 5, [1] * 8])
    model = Predictions("tuned", "base", many, of_many, np.arange(19), ("a", "b"))
    assert np.flatnonzero(find_doubts(model)).tolist() == [3, 5]
    # the doubted first, though the model is less wrong of one of them than of another image
    assert [row["image"] for row in find_hardest(model)][:3] == [3, 5, 4]
    less = np.array([[0.9, 0.1]] * 4 + [[0.2, 0.8], [0.7, 0.3], [0.95, 0.05]], np.float32)
    labels = np.array([0, 0, 0, 0, 1, 1, 1])
    model = Predictions("tuned", "base", less, labels, np.arange(7), ("a", "b"))
    assert np.flatnonzero(find_doubts(model)).tolist() == [6]
    assert [(row["image"], row["in_doubt"]) for row in find_hardest(model)][:2] == [
        (6, True),
        (5, False),
    ]


def test_as_many_images_are_shown_as_there_are_errors_from_12_to_30():
    for errors, shown in ((3, 12), (20, 20), (40, 30)):
        labels = np.zeros(60, int)
        sure = np.where(np.arange(60) < errors, 0.2, 0.8).astype(np.float32)
        probabilities = np.stack([sure, 1 - sure], axis=1)
        found = find_hardest(
            Predictions("tuned", "base", probabilities, labels, np.arange(60), ("a", "b"))
        )
        assert [row["image"] for row in found] == list(range(shown))


def test_the_page_says_each_claim_once(metrics):
    page = unescape(pages(metrics)["report.html"])
    assert f"<h1>{metrics['verdict'][0]['claim']}</h1>" in page
    assert [page.count(claim) for claim in claims(metrics)] == [1, 1, 1, 1, 1]
    assert metrics["verdict"][0]["evidence"] in page


def test_labels_are_in_doubt_by_the_most_accurate_base(metrics):
    poor = metrics["models"][0] | {"recipe": "tuned", "errors": 2}
    found = metrics | {
        "place": PLACE,
        "models": [*metrics["models"], poor],
        "mistakes": [*metrics["mistakes"], metrics["mistakes"][0] | {"recipe": "tuned"}],
    }
    found["mistakes"][0]["in_doubt"], found["mistakes"][-1]["in_doubt"] = 3, 28
    assert fill("terminal.txt.jinja", found, {}).splitlines()[-2] == (
        "Needs a look: 3 test labels are in doubt; the report shows their pictures."
    )


def test_a_broken_promise_is_among_what_to_look_at(metrics):
    found = metrics | {"place": PLACE, "refusals": [refusal(own=40)]}
    assert fill("terminal.txt.jinja", found, {}).splitlines()[-2] == (
        "Needs a look: notebook two-node refuses 40 of 400 of its own test images, more than it "
        "promised."
    )


@pytest.mark.parametrize(
    ("doubts", "overlap", "lines"),
    [
        (0, 0, []),
        (1, 1, ["Needs a look: 1 of 5 test images was trained on, too.",
                "Needs a look: 1 test label is in doubt; the report shows its picture."]),
        (2, 3, ["Needs a look: 3 of 5 test images were trained on, too.",
                "Needs a look: 2 test labels are in doubt; the report shows their pictures."]),
    ],
)  # fmt: skip
def test_a_run_in_a_terminal_ends_with_what_to_look_at(metrics, doubts, overlap, lines):
    metrics["mistakes"][0]["in_doubt"], metrics["overlap"]["images"] = doubts, overlap
    said = fill("terminal.txt.jinja", metrics | {"place": PLACE}, {}).splitlines()
    assert said[:2] == ["What was found:", f"  {claims(metrics)[0]}"]
    assert said[-len(lines) - 3 :] == [
        "  notebook  one-node         100.00\u00a0%   39.76\u00a0% to 100.00\u00a0%    0 of 4",
        "",
        *lines,
        "Report: file:///a/report.html",
    ]
    said = fill(
        "terminal.txt.jinja", metrics | {"place": PLACE | {"is_remote": True}}, {}
    ).splitlines()
    assert said[-2:] == ["Report: s3://b/report.html", "Report: file:///a/report.html"]


def test_accuracy_without_test_images_that_were_trained_on(metrics):
    assert metrics["overlap"] == {
        "images": 1,
        "n": 5,
        "models": [
            {"recipe": "notebook", "model": "base", "n": 4, "hits": 4},
            {"recipe": "notebook", "model": "two-node", "n": 3, "hits": 3},
            {"recipe": "notebook", "model": "one-node", "n": 3, "hits": 3},
        ],
    }
    for name in ("report.html", "report.md"):
        assert "1 of 5 test images are near duplicates of training images" in pages(metrics)[name]
    metrics["overlap"]["images"] = 0
    assert "None of the 5 test images is a training image" in pages(metrics)["report.md"]


def test_accuracy_by_where_test_images_are_from(metrics):
    parts = (("the published test images", 3), ("a.npz (ab)", 2))
    models = [predictions("base", BASE), predictions("two-node", TWO)]
    metrics["parts"] = count_by_part(parts, models)
    assert [(row["model"], row["part"][:5], row["hits"], row["n"]) for row in metrics["parts"]] == [
        ("base", "the p", 3, 3),
        ("base", "a.npz", 1, 2),
        ("two-node", "the p", 3, 3),
        ("two-node", "a.npz", 0, 1),
    ]
    row = "| notebook | two-node | a.npz (ab) | 0 of 1 | 0.00\u00a0% |"
    assert row in pages(metrics)["report.md"]
    assert "a.npz (ab)" in pages(metrics)["report.html"]


def test_the_comparison_has_intervals_and_the_published_numbers(metrics):
    rows = list(csv.DictReader(io.StringIO(pages(metrics)["comparison.csv"])))
    assert [row["model"] for row in rows] == ["base", "two-node", "one-node"]
    assert [row["errors"] for row in rows] == ["1", "1", "0"]
    assert float(rows[2]["low"]) == pytest.approx(0.025 ** (1 / 4))  # no error in four images
    assert [row["published_accuracy"] for row in rows] == ["0.877", "0.99953", "0.99953"]
    assert "99.953\u00a0%" in pages(metrics)["report.md"]


def test_what_was_left_out_is_said(metrics):
    metrics |= {"label_efficiency": None, "refusals": [], "heads": []}
    for name in ("report.html", "report.md"):
        page = pages(metrics)[name]
        assert "--no-label-efficiency" in page
        assert "there are more" in page


def test_the_summary_is_the_verdict_and_the_comparison(metrics):
    summary = fill("experiment/summary.md.jinja", metrics, {})
    assert [line for line in summary.splitlines() if line.startswith("## ")] == [
        "## 1. Verdict",
        "## 2. Comparison",
    ]
    assert metrics["verdict"][0]["claim"] in summary


def test_the_command_has_what_is_not_the_default():
    config = Config(
        classes=(3, 5), label_efficiency=False, head_epochs=2, dataset="my data.npz", wait=3
    )
    assert reproducing_command(config.script, config) == (
        "python flows/main.py --dataset 'my data.npz' --head-epochs 2 --classes 3,5 "
        "--no-label-efficiency"
    )


@pytest.mark.parametrize(("is_mnist", "classes"), [(False, (0, 1)), (True, (3, 5))])
def test_published_numbers_stand_only_beside_the_notebooks_own_case(is_mnist, classes):
    results = [result("base", BASE)]
    (row,) = describe_models(results, is_mnist, classes, of_base=(0, 1, 2))
    assert (row["published_loss"], row["published_accuracy"]) == (None, None)
    (row,) = describe_models(results, True, (0, 1), of_base=(0, 1, 2))
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


def test_a_notice_stands_above_the_verdict(metrics):
    metrics["dataset"]["notice"] = "digits stand in for MNIST"
    for text in (pages(metrics)["report.md"], pages(metrics)["report.html"]):
        assert text.index("digits stand in for MNIST") < text.index("1. Verdict")


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


def test_a_loss_that_is_no_number_is_null_and_leaves_a_gap():
    found = result("base", BASE)
    nothing = History(epochs=(EpochResult(loss=float("nan"), accuracy=0.5),), seconds=1)
    dead = Attempt(seed=1, history=nothing, outcome="its loss is no number")
    assert np.isnan(Attempt.model_validate_json(dead.model_dump_json()).history.epochs[0].loss)
    attempts = (dead, *found.trained.attempts)
    trained = found.trained.model_copy(update={"attempts": attempts})
    (row,) = described([found.model_copy(update={"trained": trained})])
    assert row["attempt_log"][0]["history"]["epochs"] == [{"loss": None, "accuracy": 0.5}]
    assert "<svg" in draw_learning_curves([row], "loss")


if __name__ == "__main__":
    EXPECTED.mkdir(exist_ok=True)
    for name, text in pages(metrics.__wrapped__()).items():
        (EXPECTED / name).write_text(text)
