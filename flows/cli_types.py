"""Settings as they are typed, by one grammar for command line, environment and the UI's form.

Prefect's server refuses what the JSON schema excludes before anything runs.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Strict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from flows.recipes import RECIPES
from tasks.errors import InputError

DIGITS = range(10)
LARGEST_SEED = 2**32 - 1
MOST_SEEDS = 10_000
TOO_MANY_SEEDS = f"give at most {MOST_SEEDS:,} seeds"

NUMBER = "(0|[1-9][0-9]*)"
SEED = rf"{NUMBER}(\.\.{NUMBER})?"
RECIPE = f"({'|'.join(RECIPES)})"


@dataclass(frozen=True)
class Example:
    """Annotation of a setting: what `--help` shows in the place of its value."""

    example: str


@dataclass(frozen=True)
class Typed(Example):
    """Annotation of a list that can be typed."""

    parse: Callable[[str], Any]  # leaves what is wrong to the list's own validation
    show: Callable[[Any], str]
    pattern: str  # of a text, a regular expression for Python and JavaScript
    items: dict[str, object]  # JSON schema of the list's items
    bounds: dict[str, object] = field(default_factory=dict)  # more of the list's JSON schema

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._parsed, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        """Text or list: the form has a field for each."""
        kinds = [
            {"title": "text", "type": "string"},
            {"title": "list", "type": "array", "items": self.items},
        ]
        pattern = rf"^\s*{self.pattern}\s*$"
        # the bounds stand beside the two, not inside, so that the server says which one is broken
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
        raise ValueError(TOO_MANY_SEEDS)
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


def _require(holds: Callable[[Any], bool], sentence: str) -> AfterValidator:
    """Annotation: what does not hold of a value is refused in this sentence."""

    def check(value: Any) -> Any:
        if not holds(value):
            raise ValueError(sentence)
        return value

    return AfterValidator(check)


def _differ(values: Sequence[Any], least: int = 1) -> bool:
    return len(values) >= least and len(set(values)) == len(values)


_are_apart = partial(_differ, least=2)
_are_digits = frozenset(DIGITS).issuperset


def _are_subsets(subsets: Any) -> bool:
    return subsets == "all" or all(_are_apart(one) and _are_digits(one) for one in subsets)


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

_OF_DIGITS = _require(_are_subsets, "every subset is two or more different digits, as in 0,1 3,5,8")
_KNOWN = _require(
    lambda recipes: _differ(recipes) and set(recipes) <= set(RECIPES),
    f"give one or more of {', '.join(RECIPES)}, each once",
)

Classes = Annotated[
    Subset,
    Typed("0,1", _digits, _show_list, _CLASSES_PATTERN, _DIGIT, _APART),
    _require(_are_apart, "give two or more different digits, as in 0,1"),
    _require(_are_digits, "every class is a digit from 0 to 9"),
]
Pairs = Annotated[
    Literal["all"] | tuple[Subset, ...],
    Typed("all", _pairs, _show_subsets, _PAIRS_PATTERN, _PAIR),
    _OF_DIGITS,
    _require(
        lambda pairs: pairs == "all" or all(len(pair) == 2 for pair in pairs),
        "a pair is two digits, as in 0,1; give others as --subsets",
    ),
]
Subsets = Annotated[
    tuple[Subset, ...],
    Typed("0,1 3,5,8", _subsets, _show_subsets, _SUBSETS_PATTERN, _SUBSET),
    _OF_DIGITS,
]
Seeds = Annotated[
    Subset,
    Typed("0..4", _seeds, _show_seeds, _SEEDS_PATTERN, _SEED, _SEEDS),
    _require(_differ, "give one or more different seeds, as in 0..4 or 0,1,7"),
    _require(lambda seeds: len(seeds) <= MOST_SEEDS, TOO_MANY_SEEDS),
    _require(
        lambda seeds: all(0 <= seed <= LARGEST_SEED for seed in seeds),
        "a seed is 0 or more, and less than 2^32",
    ),
]
RecipeNames = Annotated[
    tuple[str, ...],
    Typed(",".join(RECIPES), _words, _show_list, _RECIPES_PATTERN, _RECIPE, _RECIPES),
    _KNOWN,
]
OneRecipe = Annotated[
    tuple[str, ...],
    Typed(next(iter(RECIPES)), _words, _show_list, RECIPE, _RECIPE, _RECIPES | {"maxItems": 1}),
    _KNOWN,
    _require(lambda recipes: len(recipes) == 1, "a model in use comes from one recipe; give one"),
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
    words = ["python", script]
    for name, setting in type(config).model_fields.items():
        flag, value = name.replace("_", "-"), getattr(config, name)
        if name in ELSEWHERE or value == setting.default:
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", shown(setting, value)]
    return shlex.join(words)


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """Around what makes a configuration: an InputError says which option is wrong, and why."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        option = "".join(str(part).replace("_", "-") for part in first["loc"][:1])
        said = f"--{option} {first['input']!r}: {reason}" if option else reason
        raise InputError(said) from None
