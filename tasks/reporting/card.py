"""The card of a registered model, as Hugging Face has it: what it is for, and what is known of it.

Mitchell et al. (2019), Model cards for model reporting; huggingface.co/docs/hub/model-cards.
"""

import json
from collections.abc import Mapping
from typing import Any

from tasks.reporting.page import fill


def describe_model(name: str, model: str, preparation: Mapping[str, Any], metrics: Any) -> str:
    """The card, in Markdown, of what a report's `metrics.json` calls `model`, as in `two-node`."""
    of_model = [row for row in metrics["models"] if row["model"] == model][-1]
    refusals = [row for row in metrics["refusals"] if row["model"] == model]
    card = {
        "name": name,
        "heading": _heading(name, of_model, metrics["dataset"]),
        "model": of_model,
        "refusal": refusals[-1] if refusals else None,
        "preparation": preparation,
    }
    return fill("card.md.jinja", metrics | card, {})


def _heading(name: str, model: Mapping[str, Any], dataset: Mapping[str, Any]) -> str:
    """JSON, which is YAML, too."""
    measured, task = ("accuracy", "log_loss", "calibration_error"), "image-classification"
    result = {
        "task": {"type": task},
        "dataset": {"type": task, "name": dataset["name"], "split": "test"},
        "metrics": [{"type": name, "value": model[name]} for name in measured],
    }
    index = [{"name": name, "results": [result]}]
    about = {"library_name": "onnx", "pipeline_tag": task, "tags": ["transfer-learning", "onnx"]}
    return json.dumps(about | {"model-index": index}, indent=2)
