"""Settings as they are typed, by one grammar for command line, environment and the UI's form.

Each is a text of a pattern, or a list as a program gives it. Prefect's server refuses what its JSON
schema excludes before anything runs.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, GetCoreSchemaHandler, Strict
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from flows.recipes import RECIPES

DIGITS = range(10)
LARGEST_SEED = 2**32 - 1
MOST_SEEDS = 10_000

NUMBER = "(0|[1-9][0-9]*)"
SEED = rf"{NUMBER}(\.\.{NUMBER})?"
RECIPE = f"({'|'.join(RECIPES)})"


@dataclass(frozen=True)
class Example:
    """Annotation of a setting: what `--help` shows in the place of its value."""

    example: str


@dataclass(frozen=True)
class Typed(Example):
    """Annotation of a list that can be typed.

    Attributes:
        parse: Makes a list of a text, and leaves what is wrong in it to the list's own validation.
        show: Makes the text of a list, of which `parse` makes the list.
        pattern: What a text has to be, a regular expression for Python and JavaScript.
        items: JSON schema of the list's items.
        bounds: Other keywords of the list's JSON schema.
    """

    parse: Callable[[str], Any]
    show: Callable[[Any], str]
    pattern: str
    items: dict[str, object]
    bounds: dict[str, object] = field(default_factory=dict)

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


def _show_list(values: Iterable[Any]) -> str:
    return ",".join(map(str, values))


def _show_subsets(subsets: Any) -> str:
    return subsets if subsets == "all" else " ".join(map(_show_list, subsets))


def _show_seeds(seeds: Sequence[int]) -> str:
    """Three or more in a row are a range."""
    starts = [0, *(i for i in range(1, len(seeds)) if seeds[i] != seeds[i - 1] + 1), len(seeds)]
    runs = [seeds[start:end] for start, end in pairwise(starts)]
    return ",".join(f"{run[0]}..{run[-1]}" if len(run) > 2 else _show_list(run) for run in runs)


def _separated(item: str) -> str:
    return rf"{item}(\s*,\s*{item})*"


Number = Annotated[int, Strict()]
Subset = tuple[Number, ...]

_APART = {"minItems": 2, "uniqueItems": True}
_DIGIT = {"type": "integer", "enum": list(DIGITS)}
_SUBSET = {"type": "array", "items": _DIGIT, **_APART}
_PAIR = _SUBSET | {"maxItems": 2}
_SEED = {"type": "integer", "minimum": 0, "maximum": LARGEST_SEED}
_SEEDS = {"minItems": 1, "maxItems": MOST_SEEDS, "uniqueItems": True}
_RECIPE = {"type": "string", "enum": list(RECIPES)}
_RECIPES = {"minItems": 1, "uniqueItems": True}

_CLASSES_PATTERN = r"(?!.*([0-9]).*\1)[0-9](\s*,\s*[0-9])+"
_PAIRS_PATTERN = r"(all|(([0-9]),(?!\3)[0-9](\s+|$))*)"
_SUBSETS_PATTERN = r"((?!\S*([0-9])\S*\2)[0-9](,[0-9])+(\s+|$))*"
_SEEDS_PATTERN = rf"(?!(.*,)?\s*{NUMBER}\s*,(.*,)?\s*\2\s*(,|$)){_separated(SEED)}"
_RECIPES_PATTERN = rf"(?!.*\b{RECIPE}\b.*\b\1\b){_separated(RECIPE)}"

Classes = Annotated[Subset, Typed("0,1", _digits, _show_list, _CLASSES_PATTERN, _DIGIT, _APART)]
Pairs = Annotated[
    Literal["all"] | tuple[Subset, ...],
    Typed("all", _pairs, _show_subsets, _PAIRS_PATTERN, _PAIR),
]
Subsets = Annotated[
    tuple[Subset, ...], Typed("0,1 3,5,8", _subsets, _show_subsets, _SUBSETS_PATTERN, _SUBSET)
]
Seeds = Annotated[Subset, Typed("0..4", _seeds, _show_seeds, _SEEDS_PATTERN, _SEED, _SEEDS)]
RecipeNames = Annotated[
    tuple[str, ...],
    Typed(",".join(RECIPES), _words, _show_list, _RECIPES_PATTERN, _RECIPE, _RECIPES),
]
OneRecipe = Annotated[
    tuple[str, ...],
    Typed(next(iter(RECIPES)), _words, _show_list, RECIPE, _RECIPE, _RECIPES | {"maxItems": 1}),
]

ELSEWHERE = ("artifacts", "wait", "refresh")  # these decide where and when, not what


def shown(setting: FieldInfo, value: Any) -> str:
    """A setting's value as it is typed: `0,1`, `0,1 3,5`, `0..4`."""
    typed = annotation(setting)
    return typed.show(value) if isinstance(typed, Typed) else str(value)


def annotation(setting: FieldInfo) -> Example | None:
    """How a setting is typed, where its type alone does not say it."""
    return next((one for one in setting.metadata if isinstance(one, Example)), None)


def reproducing_command(script: str, config: BaseModel) -> str:
    """The command line with every setting that is not the default."""
    options = [
        option
        for name, setting in type(config).model_fields.items()
        if name not in ELSEWHERE and getattr(config, name) != setting.default
        for option in _option(name, setting, getattr(config, name))
    ]
    return shlex.join(["python", script, *options])


def _option(name: str, setting: FieldInfo, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    return [f"--{flag}", shown(setting, value)]
