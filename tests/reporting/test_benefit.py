"""Whether transfer helps: every sentence, from literal differences."""

import numpy as np
import pytest

from tasks.reporting.experiment.benefit import (
    Claims,
    describe_label_efficiency,
    find_claims,
    judge_benefit,
)
from tasks.schemas.references import ArrayReference
from tasks.schemas.results import LabelEfficiency

REFERENCE = ArrayReference(path="a", sha256="s", shape=(1,), dtype="bool")
IMAGES = [2, 20, 200]
BETTER, SAME, WORSE = (
    {"mean": mean, "low": mean - 0.01, "high": mean + 0.01} for mean in (0.03, 0.005, -0.03)
)
POINTS = {"+": BETTER, "=": SAME, "-": WORSE}


def row(base: str | None = "===", **behind: str) -> dict:
    """Of frozen and fine-tuned against scratch and linear, at three numbers of labels."""

    def points(signs: str) -> list[dict]:
        return [POINTS[sign] for sign in signs]

    told = {
        "frozen_scratch": "===",
        "frozen_linear": "===",
        "tuned_scratch": "===",
        "tuned_linear": "===",
    }
    told |= behind
    rows = [
        {
            "approach": other,
            "behind": {
                "frozen": points(told[f"frozen_{other}"]),
                "fine-tuned": points(told[f"tuned_{other}"]),
            },
        }
        for other in ("scratch", "linear")
    ]
    if base:
        mine = {"frozen": points(base), "fine-tuned": points(base)}
        rows.append({"approach": "base alone", "behind": mine})
    rows = [{"approach": "frozen", "behind": {}}, {"approach": "fine-tuned", "behind": {}}, *rows]
    means = {"frozen": 0.95, "fine-tuned": 0.94, "scratch": 0.9, "linear": 0.8, "base alone": 0.93}
    for one in rows:
        one["points"] = [{"mean": means[one["approach"]], "low": 0.5, "high": 1.0}] * 3
    return {"recipe": "tuned", "draws": 8, "n": 950, "images": IMAGES, "approaches": rows}


def claim(**told: str | None) -> str:
    found = judge_benefit(row(**told), "a base")["claim"]
    assert found.startswith("With a base, ")
    return found.removeprefix("With a base, ")


ALONE = "The base alone, which needs no labels,"
NOT_WORSE = f"{ALONE} was not shown to be less accurate than transfer with all labels."


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({}, f"transfer was not shown to help, nor to harm. {NOT_WORSE}"),
        ({"base": None}, "transfer was not shown to help, nor to harm."),
        (
            {"frozen_scratch": "+==", "frozen_linear": "++="},
            "transfer helps with 2 labelled images: there a head on the frozen backbone is 3.00 "
            f"points more accurate than the same network trained from scratch. {NOT_WORSE}",
        ),
        (
            {"tuned_scratch": "++=", "tuned_linear": "+++"},
            "transfer helps up to 20 labelled images: there the fine-tuned network is 3.00 points "
            f"more accurate than the same network trained from scratch. {NOT_WORSE}",
        ),
        (
            {"tuned_scratch": "+++", "tuned_linear": "+++", "frozen_scratch": "++="},
            "transfer helps at every number of labels: with all of them the fine-tuned network is "
            f"3.00 points more accurate than the same network trained from scratch. {NOT_WORSE}",
        ),
        (  # it does not hold of the smallest number
            {"frozen_scratch": "=++", "frozen_linear": "+++"},
            "transfer helps from 20 labelled images on: with all of them a head on the frozen "
            "backbone is 3.00 points more accurate than the same network trained from scratch, and "
            f"with fewer it was not shown to. {NOT_WORSE}",
        ),
        (
            {"tuned_scratch": "==+", "tuned_linear": "+++"},
            "transfer helps with all labels: the fine-tuned network is 3.00 points more accurate "
            "than the same network trained from scratch, and with fewer it was not shown to. "
            f"{NOT_WORSE}",
        ),
        (  # in the middle alone, where no claim begins
            {"frozen_scratch": "=+=", "frozen_linear": "+++"},
            f"transfer was not shown to help, nor to harm. {NOT_WORSE}",
        ),
        (  # at both ends
            {"frozen_scratch": "+=+", "frozen_linear": "+++"},
            "transfer helps with 2 labelled images: there a head on the frozen backbone is 3.00 "
            f"points more accurate than the same network trained from scratch. {NOT_WORSE}",
        ),
        (
            {"frozen_linear": "==-", "tuned_linear": "==-"},
            "transfer was not shown to help; a linear model on pixels is more accurate with all "
            f"labels, by 3.00 points. {NOT_WORSE}",
        ),
        (
            {"frozen_scratch": "=--", "tuned_scratch": "=--"},
            "transfer was not shown to help; the same network trained from scratch is more "
            "accurate from 20 labelled images on, with all of them by 3.00 points. "
            f"{NOT_WORSE}",
        ),
        (
            {"frozen_scratch": "---", "tuned_scratch": "---"},
            "transfer was not shown to help; the same network trained from scratch is more "
            "accurate at every number of labels, with all of them by 3.00 points. "
            f"{NOT_WORSE}",
        ),
        (  # worse than one of the transfers only
            {"frozen_scratch": "---"},
            f"transfer was not shown to help, nor to harm. {NOT_WORSE}",
        ),
        (
            {"frozen_scratch": "+=-", "frozen_linear": "+++", "tuned_scratch": "==-"},
            "transfer helps with 2 labelled images: there a head on the frozen backbone is 3.00 "
            "points more accurate than the same network trained from scratch; the same network "
            "trained from scratch is more accurate with all labels, by 3.00 points. "
            f"{NOT_WORSE}",
        ),
        (
            {"base": "---"},
            "transfer was not shown to help, nor to harm. "
            f"{ALONE} is more accurate at every number of labels.",
        ),
        (
            {"base": "--="},
            "transfer was not shown to help, nor to harm. "
            f"{ALONE} is more accurate up to 20 labelled images; with all labels no difference "
            "was shown.",
        ),
        (
            {"base": "-=+"},
            "transfer was not shown to help, nor to harm. "
            f"{ALONE} is more accurate with 2 labelled images; with all labels a head on the "
            "frozen backbone is 3.00 points ahead.",
        ),
        (
            {"base": "==+"},
            "transfer was not shown to help, nor to harm. "
            f"{ALONE} is behind: with all labels a head on the frozen backbone is 3.00 points "
            "ahead.",
        ),
    ],
)  # fmt: skip
def test_every_sentence(told, sentence):
    assert claim(**told) == sentence


def test_the_evidence_is_of_the_last_number_that_is_claimed():
    found = judge_benefit(row(frozen_scratch="++=", frozen_linear="++="), "a base")
    assert found["evidence"].replace("\u00a0", " ") == (
        "With 20 labelled images, on average of 8 draws: frozen 95.00 %, fine-tuned 94.00 %, base "
        "alone 93.00 %, scratch 90.00 %, linear 80.00 %; frozen against scratch +3.00 points "
        "(+2.00 to +4.00), linear +3.00 points (+2.00 to +4.00), base alone +0.50 points (-0.50 to "
        "+1.50), with 99.2 % intervals over draws and the 950 test images"
    )


@pytest.mark.parametrize(("scratch", "helped"), [(88, 3), (93, 0)])
def test_claims_follow_from_hits(scratch, helped):
    """Right on the first so many of 100 images: 10 against none are enough, 5 are not."""
    right = {"frozen": 98, "fine-tuned": 98, "scratch": scratch, "linear": 50, "base alone": 98}
    hits = [np.broadcast_to(np.arange(100) < n, (3, 2, 100)) for n in right.values()]
    named = [LabelEfficiency(approach=name, images=(2, 4, 9), hits=REFERENCE) for name in right]
    found = describe_label_efficiency("tuned", named, hits)
    assert found["images"] == [2, 4, 9]
    of_scratch, of_linear = found["approaches"][2:4]
    assert of_scratch["points"][0] == {
        "mean": scratch / 100,
        "low": scratch / 100,
        "high": scratch / 100,
    }
    assert of_linear["behind"]["frozen"][0]["mean"] == pytest.approx(0.48)
    behind = {one["approach"]: one["behind"] for one in found["approaches"] if one["behind"]}
    assert find_claims(behind) == Claims(
        helped={"frozen": helped, "fine-tuned": helped},
        helped_from={"frozen": helped, "fine-tuned": helped},
        harmed={"scratch": 0, "linear": 0},
        best_alone=0,
        beyond_base={"frozen": 0, "fine-tuned": 0},
    )
