"""The card of a registered model, as Hugging Face has it: what it is for, and what is known of it.

Mitchell et al. (2019), Model cards for model reporting; huggingface.co/docs/hub/model-cards.
"""

from collections.abc import Mapping
from typing import Any

from tasks.reporting.page import fill


def describe_model(name: str, model: str, preparation: Mapping[str, Any], metrics: Any) -> str:
    """The card, in Markdown, of what a report's `metrics.json` calls `model`, as in `two-node`."""
    about = {"name": name, "model": model, "preparation": preparation}
    return fill("card.md.jinja", metrics | about, {})
