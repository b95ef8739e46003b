"""Lists as they are typed, by one grammar for the command line, the environment and the UI's form.

Each is a text of a pattern, or a list as a program gives it. Prefect's server refuses what its JSON
schema excludes before anything runs.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler, Strict
from pydantic_core import CoreSchema, core_schema
from pydantic_settings import NoDecode

from flows.recipes import RECIPES

DIGITS = range(10)
LARGEST_SEED = 2**32 - 1
MOST_SEEDS = 10_000

NUMBER = "(0|[1-9][0-9]*)"
SEED = rf"{NUMBER}(\.\.{NUMBER})?"
RECIPE = f"({'|'.join(RECIPES)})"


@dataclass(frozen=True)
class Typed:
    """Annotation of a list that can be typed.

    Attributes:
        parse: Makes a list of a text, and leaves what is wrong in it to the list's own validation.
        pattern: What a text has to be, a regular expression for Python and JavaScript.
        items: JSON schema of the list's items.
        bounds: Other keywords of the list's JSON schema.
    """

    parse: Callable[[str], Any]
    pattern: str
    items: dict[str, Any]
    bounds: dict[str, Any]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Parse first, if it is a text."""
        return core_schema.no_info_before_validator_function(self._parsed, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        """Text or list: the form has a field for each.

        The bounds stand beside the two, not inside, so that the server says which one is broken.
        """
        kinds = [
            {"title": "text", "type": "string"},
            {"title": "list", "type": "array", "items": self.items},
        ]
        pattern = rf"^\s*{self.pattern}\s*$"
        return {"anyOf": kinds, "pattern": pattern, "items": self.items, **self.bounds}

    def _parsed(self, value: Any) -> Any:
        return self.parse(value) if isinstance(value, str) else value


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _number(text: str) -> int | str:
    return int(text) if re.fullmatch(NUMBER, text) else text


def _digits(text: str) -> list[int | str]:
    return [_number(word) for word in _words(text)]


def _subsets(text: str) -> list[list[int | str]]:
    return [_digits(subset) for subset in text.split()]


def _pairs(text: str) -> Any:
    return "all" if text.strip() == "all" else _subsets(text)


def _seeds(text: str) -> list[int | str]:
    return [seed for word in _words(text) for seed in _range(word)]


def _range(text: str) -> Iterable[int | str]:
    ends = re.fullmatch(rf"{NUMBER}\.\.{NUMBER}", text)
    if not ends:
        return [_number(text)]
    first, last = int(ends[1]), int(ends[2])
    if last - first >= MOST_SEEDS:
        raise ValueError(f"give at most {MOST_SEEDS:,} seeds")
    return range(first, last + 1)


def _separated(item: str) -> str:
    return rf"{item}(\s*,\s*{item})*"


Number = Annotated[int, Strict()]
Subset = tuple[Number, ...]

_DIGIT = {"type": "integer", "enum": list(DIGITS)}
_APART = {"minItems": 2, "uniqueItems": True}
_SUBSET = {"type": "array", "items": _DIGIT, **_APART}

Classes = Annotated[
    Subset,
    Typed(_digits, r"(?!.*([0-9]).*\1)[0-9](\s*,\s*[0-9])+", _DIGIT, _APART),
    NoDecode,
]
Pairs = Annotated[
    Literal["all"] | tuple[Subset, ...],
    Typed(_pairs, r"(all|(([0-9]),(?!\3)[0-9](\s+|$))*)", _SUBSET | {"maxItems": 2}, {}),
    NoDecode,
]
Subsets = Annotated[
    tuple[Subset, ...],
    Typed(_subsets, r"((?!\S*([0-9])\S*\2)[0-9](,[0-9])+(\s+|$))*", _SUBSET, {}),
    NoDecode,
]
Seeds = Annotated[
    Subset,
    Typed(
        _seeds,
        rf"(?!(.*,)?\s*{NUMBER}\s*,(.*,)?\s*\2\s*(,|$)){_separated(SEED)}",
        {"type": "integer", "minimum": 0, "maximum": LARGEST_SEED},
        {"minItems": 1, "maxItems": MOST_SEEDS, "uniqueItems": True},
    ),
    NoDecode,
]
RecipeNames = Annotated[
    tuple[str, ...],
    Typed(
        _words,
        rf"(?!.*\b{RECIPE}\b.*\b\1\b){_separated(RECIPE)}",
        {"type": "string", "enum": list(RECIPES)},
        {"minItems": 1, "uniqueItems": True},
    ),
    NoDecode,
]
OneRecipe = Annotated[
    tuple[str, ...],
    Typed(
        _words,
        RECIPE,
        {"type": "string", "enum": list(RECIPES)},
        {"minItems": 1, "maxItems": 1},
    ),
    NoDecode,
]
