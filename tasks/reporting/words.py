"""The conclusion, in words computed from the numbers."""

from collections.abc import Sequence
from typing import Any


def conclude(models: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence for each recipe: what its base learned and how its transfers fared."""
    recipes = dict.fromkeys(model["recipe"] for model in models)
    return [_conclude_recipe([m for m in models if m["recipe"] == name]) for name in recipes]


def _conclude_recipe(models: Sequence[dict[str, Any]]) -> str:
    base, *heads = models
    alive = [head for head in heads if head["learned"]]
    dead = [head for head in heads if not head["learned"]]
    parts = [
        f"With the recipe {base['recipe']} the base model "
        + ("reached" if base["learned"] else "did not learn: it stayed at")
        + f" {base['accuracy']:.2%} on {base['n']:,} test images."
    ]
    if alive:
        listed = " and ".join(f"{head['model']} ({_errors(head)})" for head in alive)
        parts.append(f"Its features carried over to the {listed} head{'s' * (len(alive) > 1)}.")
    if dead:
        listed = " and ".join(f"{head['model']} ({head['accuracy']:.2%})" for head in dead)
        parts.append(
            f"The {listed} head{'s' * (len(dead) > 1)} did not learn: "
            "always answering the most frequent class does as well. Do not use it."
        )
    return " ".join(parts)


def _errors(model: dict[str, Any]) -> str:
    count = model["errors"]
    return f"{count} error{'s' * (count != 1)} of {model['n']:,}"
