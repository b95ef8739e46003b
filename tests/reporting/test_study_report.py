"""The report of a study: from literal results to its pages."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from pydantic import BaseModel
from test_page import CLIPPED, OVERFLOW, serious
from trial_results import CLASSES, LABELS, trial_result

from flows.prefect_run import ByPrefect
from tasks.data.source import Source
from tasks.plots.study import draw_spread
from tasks.report_study import draw, render, report_study
from tasks.reporting.page import fill
from tasks.reporting.study.analysis import analyse
from tasks.schemas.images import LabelledImages
from tasks.schemas.references import Dataset, Split
from tasks.storage.execution import called_by
from tasks.storage.store import Store
from tasks.trials.trial import TrialResult

TEST = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), dtype=np.uint8)
DIED = "predicts 1 of 2 classes"
DASH = "\u2013"


def pairs(seeds: int = 2) -> list[TrialResult]:
    """Three of the 45 pairs; only 3 and 5 are confused, by one node in every seed."""
    return [
        trial_result(classes, head, seed, wrong=wrong if head == "one-node" or seed else ())
        for classes, wrong in [((0, 1), ()), ((3, 5), (0, 1, 2)), ((4, 9), ())]
        for head in ("two-node", "one-node")
        for seed in range(seeds)
    ]


DEAD = [
    trial_result((0, 2), "two-node", 0, dead=(DIED,) * 3, learned=False),
    trial_result((0, 2), "one-node", 0, dead=(DIED,)),
]
THREE = [trial_result((3, 5, 8), "three-node", seed, wrong=(seed,)) for seed in range(2)]


def metrics(results: list[TrialResult]) -> dict:
    return analyse(results, LABELS, CLASSES) | {
        "dataset": {
            "name": "MNIST",
            "source": "/data/<mnist>",
            "sha256": "cd",
            "notice": "",
            "train": 60_000,
            "test": 40,
        },
        "config": {"seeds": 2},
        "command": "python flows/study.py",
        "environment": {"python": "3.11.7"},
        "tasks": [{"task": "load", "state": "Cached", "seconds": 0.25}],
    }


def pages(results: list[TrialResult]) -> dict[str, str]:
    found = metrics(results)
    return render(found, dict(draw(found, TEST)))


class Page(HTMLParser):
    """The page's tables, as lists of lists of texts, and the tags that are still open."""

    EMPTY = ("meta", "br", "link")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "h2":
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"].removeprefix("#"))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data

    def table(self, column: str) -> list[list[str]]:
        """The rows of the only table that has a column of this name."""
        (found,) = [table for table in self.tables if column in table[0]]
        return found[1:]


def claims(results: list[TrialResult]) -> list[str]:
    return [finding["claim"] for finding in analyse(results, LABELS, CLASSES)["verdict"]]


def test_the_page_is_whole_and_its_contents_lead_somewhere():
    page = Page(pages(pairs() + THREE + DEAD)["report.html"])
    assert page.open == []
    assert page.links == page.ids
    assert page.ids == [
        "verdict",
        "subsets",
        "heads",
        "seeds",
        "hardest",
        "dead",
        "reproducibility",
    ]


def test_the_matrix_has_two_nodes_above_the_diagonal_and_one_below():
    """3 and 5: two nodes have 0 and 3 errors of 8, one node 3 and 3; most pairs are missing."""
    rows = Page(pages(pairs() + DEAD)["report.html"]).table("class")
    assert [row[0] for row in rows] == ["0", "1", "2", "3", "4", "5", "9"]  # those that occur
    assert rows[3][1 + 5].startswith("81.25")
    assert rows[5][1 + 3].startswith("62.50")
    assert rows[0][1 + 2] == "dead"
    assert rows[2][1 + 0].startswith("100.00")
    assert rows[3][1 + 3] == rows[4][1 + 5] == rows[5][1 + 4] == ""


def test_the_picture_of_pairs_has_the_same_errors():
    pictures = dict(draw(metrics(pairs() + DEAD), TEST))
    assert list(pictures) == ["pairs-tuned", "spread-tuned", "hardest-tuned-3-5"]
    picture = pictures["pairs-tuned"]
    assert [picture.count(f">{text}<") for text in ("1.5", "3.0", "0.0", "dead")] == [1, 1, 5, 1]
    assert "3 of 4" in pictures["hardest-tuned-3-5"]


def test_the_picture_of_seeds_has_the_hardest_subsets_on_top_and_no_more_than_45():
    """Of 120 subsets of three digits only the last is confused."""
    subsets = list(combinations(range(10), 3))
    trials = [
        trial_result(classes, "three-node", wrong=(0,) if classes == (7, 8, 9) else ())
        for classes in subsets
    ]
    picture = draw_spread(metrics(trials)["transfers"])
    names = re.findall(r">(\d \d \d)<", picture)
    assert names == ["7 8 9", *(" ".join(map(str, classes)) for classes in subsets[:44])]


def test_larger_subsets_have_a_table_of_their_own():
    (row,) = Page(pages(THREE)["report.html"]).table("least and most")
    assert row[:6] == ["tuned", "3, 5, 8", "three-node", "12", "2 of 2", "91.67\u00a0%"]
    assert row[7:] == ["1.0", f"1 {DASH} 1"]


def test_a_study_of_larger_subsets_alone_has_no_matrix_and_no_comparison_of_heads():
    page = pages(THREE)["report.html"]
    assert not [table for table in Page(page).tables if table[0][0] == "class"]
    assert "There is no pair of classes for which both heads learned" in page
    assert "spread-tuned" not in page
    assert list(dict(draw(metrics(THREE), TEST))) == ["spread-tuned", "hardest-tuned-3-5-8"]


def test_one_seed_has_no_spread():
    page = pages(pairs(seeds=1))["report.html"]
    (two, one) = Page(page).table("points, median subset")
    assert two == ["tuned", "two-node", *[DASH] * 5, "3", "0"]
    assert one == ["tuned", "one-node", *[DASH] * 5, "3", "3"]
    assert "One seed was asked for, so the variation is unknown." in page


def test_the_pages_say_for_how_many_tests_p_is_adjusted_and_where_the_seed_matters():
    files = pages(pairs())
    for page in (files["report.html"], files["report.md"]):
        text = " ".join(page.replace("&#39;", "'").split())
        assert (
            "Holm's method adjusts the p of each pair for 3 tests, all pairs of all recipes, and "
            "the p over all pairs for 1 recipe; both are doubled, because the report answers two "
            "questions. A large p does not mean that the heads are equal." in text
        )
        assert (
            "The seed matters for a subset where the standard deviation of the accuracy over seeds "
            "is at least that over draws of its n test images, sqrt(p(1 - p)/n), p being the share "
            "of errors with one error and one hit added." in text
        )
    two, one = Page(files["report.html"]).table("points, median subset")
    assert (two[4], two[6], one[6]) == ("3, 5", "1 of 3", "0 of 3")


def test_a_study_in_which_nothing_learned_has_a_report():
    page = pages(DEAD[:1])
    assert "did not learn" in page["report.md"]
    assert "No trial that learned got a test image wrong" in page["report.html"]
    assert claims(DEAD[:1]) == [
        "The only trial, on bases that had seen these classes and images, did not learn.",
        "The variation over seeds is unknown: one seed was asked for.",
        "The health gate stopped 3 of 3 initialisations.",
    ]


def test_a_study_without_an_error_says_so():
    assert claims(pairs()[:4])[0] == (
        "All 4 trials on bases that had seen these classes and images learned, without an error."
    )


def test_the_verdict_follows_from_the_numbers():
    assert claims(pairs()) == [
        "All 12 trials on bases that had seen these classes and images learned, with a mean "
        "accuracy of 62.50\u00a0% or more on each subset; on 1 of 3 subsets a head was not shown "
        "to be right more often than by chance.",
        "With the recipe tuned, two output nodes and one were not shown to differ: 3 against 6 "
        "errors of 48 predictions.",
        "Another seed changes the accuracy at least as much as other test images would for "
        "1 of 6 combinations of recipe, head and subset.",
        "Hardest to tell apart, by mean accuracy: 3 and 5.",
        "Every initialisation learned.",
    ]
    evidence = analyse(pairs(), LABELS, CLASSES)["verdict"][1]["evidence"]
    assert evidence == (
        "Two nodes made fewer errors on 1 of 3 pairs, as many on 2, more on 0. Exact sign-flip "
        "tests over pairs and over images: larger p = 1, and 1 adjusted for 1 recipe. Pair by "
        "pair, adjusted for the 3 tests of all recipes, 0 differ (least p = 1). Adjusted by Holm's "
        "method, and doubled for two questions"
    )


def test_a_head_that_is_better_on_most_pairs_is_said_so():
    """Of seven pairs one node is worse on all, each time on another image: 2 of 2^7 sums, twice."""
    trials = [
        trial_result((0, other), head, wrong=(1,) if head == "one-node" else ())
        for other in range(1, 8)
        for head in ("two-node", "one-node")
    ]
    assert claims(trials)[1] == (
        "With the recipe tuned, two output nodes make fewer errors, by 12.5 percentage points: 0 "
        "against 7 of 56 predictions on 7 pairs."
    )


def test_pairs_that_have_the_wrong_image_in_common_are_no_evidence_over_all():
    """One node calls the first image another class in seven pairs: of one image, 2 sums of 2."""
    trials = [
        trial_result((0, other), head, wrong=(0,) if head == "one-node" else ())
        for other in range(1, 8)
        for head in ("two-node", "one-node")
    ]
    (heads,) = analyse(trials, LABELS, CLASSES)["heads"]
    assert (heads["p_value"], heads["image_p_value"], heads["adjusted"]) == (2 / 2**7, 1, 1)
    assert "were not shown to differ: 0 against 7 errors" in claims(trials)[1]


def test_dead_initialisations_are_counted_and_explained():
    (two, one) = Page(pages(DEAD)["report.html"]).table("of them dead")
    assert two == ["tuned", "two-node", "1", "3", "3", "3", "1", f"{DIED}: 3"]
    assert one == ["tuned", "one-node", "1", "2", "1", "2", "0", f"{DIED}: 1"]
    assert claims(DEAD)[-1] == "The health gate stopped 4 of 5 initialisations."


def test_the_csv_has_a_line_for_each_trial():
    rows = list(csv.DictReader(io.StringIO(pages(pairs() + DEAD)["trials.csv"])))
    assert len(rows) == 14
    dead, pair = rows[4], rows[-3]
    assert (dead["classes"], dead["errors"], dead["attempts"]) == ("0 2", "", "3")
    assert (pair["classes"], pair["head"], pair["errors"]) == ("4 9", "two-node", "0")


def test_the_files_are_the_same_whenever_and_in_whatever_order():
    everything = pairs() + THREE + DEAD
    assert pages(everything) == pages(everything[::-1])


def test_metrics_come_back_whole_and_nothing_is_not_a_number():
    files = pages(pairs() + THREE + DEAD)
    assert json.loads(files["metrics.json"]) == metrics(pairs() + THREE + DEAD)
    for name in ("report.html", "report.md", "trials.csv"):
        assert re.findall(r"\b(?:nan|NaN|inf|None|Undefined)\b", files[name]) == []


def test_the_page_is_escaped_and_needs_no_network():
    page = pages(pairs())["report.html"]
    assert "/data/&lt;mnist&gt;" in page
    assert "<mnist>" not in page
    for outside in ('src="http', 'href="http', "@import", "url("):
        assert outside not in page.replace("url(#", "")


def test_a_notice_stands_above_the_verdict():
    found = metrics(pairs())
    found["dataset"]["notice"] = "digits stand in for MNIST"
    files = render(found, dict(draw(found, TEST)))
    for text in (files["report.html"], files["report.md"], fill("verdict.md.jinja", found, {})):
        assert text.index("digits stand in for MNIST") < text.index("1. Verdict")


@pytest.mark.parametrize("width", [1200, 400])
def test_the_page_fits(browser, tmp_path, width):
    (tmp_path / "report.html").write_text(pages(pairs() + THREE + DEAD)["report.html"])
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get((tmp_path / "report.html").as_uri())
    assert browser.execute_script(OVERFLOW) == 0
    assert browser.execute_script(CLIPPED) == []
    assert browser.get_log("browser") == []
    assert serious(browser, tmp_path / "report.html", "light") == []


class StudySettings(BaseModel):
    seeds: int = 2


def test_the_task_writes_the_report_and_shows_it(prefect_server, tmp_path):
    source = Source("npz", "tiny", "/tiny.npz", "ab", 0)
    results = pairs() + DEAD

    @flow
    def study() -> Path:
        store = Store(tmp_path)
        with called_by(ByPrefect(store)):
            split = Split(
                inputs=store.add_array("images", TEST), labels=store.add_array("labels", LABELS)
            )
            images = Dataset(train=split, test=split)
            data = LabelledImages.model_construct(images=images, classes=CLASSES)
            command = "python flows/study.py"
            return report_study(StudySettings(), command, source, data, results, "bases")

    folder = study()
    assert (tmp_path / "reports" / "latest-study").resolve() == folder
    assert {file.name for file in folder.iterdir()} == {
        "report.html",
        "report.md",
        "trials.csv",
        "metrics.json",
    }
    assert json.loads((folder / "metrics.json").read_text())["dataset"]["test"] == 40
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arrays", "reports", "tmp"]
    with get_client(sync_client=True) as client:
        shown = {artifact.key: artifact for artifact in client.read_latest_artifacts()}
    assert "| tuned | 0 1 | two-node | 2 of 2 |" in shown["study"].data
    assert f"`{folder}/report.html`" in shown["study"].data
