"""The card of a registered model: Hugging Face reads it, and its numbers are the report's."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from tasks.reporting.page import fill

METRICS = json.loads((Path(__file__).parent / "expected" / "metrics.json").read_text())
PREPARATION = {"height": 28, "width": 28, "channels": 1, "handwriting": True}
MODELS = {row["model"]: row for row in METRICS["models"]}


def card_of(model: str, metrics: dict[str, Any] = METRICS) -> str:
    about = {"name": "digits-in-use", "model": model, "preparation": PREPARATION}
    return fill("card.md.jinja", metrics | about, {})


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, int | float):
        yield round(value, 5)


@pytest.mark.parametrize("model", MODELS)
def test_every_number_is_one_of_the_report(model):
    _, _, text = card_of(model).split("---\n", 2)
    text = text[: text.index("## What it was not tested on")]
    text = re.sub(r"SHA-256 `\w+`|95\s%|uint8|28 x 28", "", text)
    said = [float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e-\d+)?", text)]
    row = MODELS[model]
    assert {row["n"], round(row["accuracy"], 5), round(row["log_loss"], 5)} <= set(said)
    assert set(said) <= set(numbers_in(METRICS)) | set(range(10))  # classes have numbers for names


@pytest.mark.parametrize("model", MODELS)
def test_hugging_face_reads_it(model):
    card = ModelCard(card_of(model))
    (result, *_) = card.data.eval_results
    assert (card.data.model_name, card.data.pipeline_tag) == (
        "digits-in-use",
        "image-classification",
    )
    assert (result.dataset_name, result.metric_type) == (METRICS["dataset"]["name"], "accuracy")
    assert result.metric_value == MODELS[model]["accuracy"]


def test_what_cannot_be_promised_is_not_claimed():
    card = card_of("base", METRICS | {"refusals": []})
    assert "Nothing: too few images were held out to promise anything." in card
    assert "refuses images" not in card
