"""The card of a registered model, as Hugging Face has it: what it is for, and what is known of it.

Mitchell et al. (2019), Model cards for model reporting; huggingface.co/docs/hub/model-cards.
"""

from collections.abc import Mapping
from typing import Any

from tasks.reporting.page import fill


def describe_model(name: str, model: str, preparation: Mapping[str, Any], metrics: Any) -> str:
    """The card, in Markdown, of what a report's `metrics.json` calls `model`, as in `two-node`."""
    of_model = [row for row in metrics["models"] if row["model"] == model][-1]
    refusals = [row for row in metrics["refusals"] if row["model"] == model]
    card = {
        "name": name,
        "model": of_model,
        "refusal": refusals[-1] if refusals else None,
        "preparation": preparation,
    }
    return fill("card.md.jinja", metrics | card, {})
