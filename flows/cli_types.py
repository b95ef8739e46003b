"""Settings as they are typed, by one grammar for command line, environment and the UI's form."""

import csv
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, Strict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from flows.recipes import RECIPES
from tasks.data.names import NUMBER as NUMERIC_NAME
from tasks.errors import InputError
from tasks.schemas.images import ClassName

MOST_SEEDS = 10_000
NUMBER = "(0|[1-9][0-9]*)"


@dataclass(frozen=True)
class Example:
    """Annotation of a setting: what `--help` shows in the place of its value."""

    example: str


@dataclass(frozen=True)
class Typed(Example):
    """Annotation of a list that can be typed."""

    parse: Callable[[str], Any]  # leaves what is wrong to the list's own validation
    show: Callable[[Any], str]
    words: tuple[str, ...] = ()  # that stand for lists

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._parsed, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        """Text or list: the form has a field for each."""
        found = handler(schema)
        listed = next(kind for kind in found.get("anyOf", [found]) if "items" in kind)
        kinds = [{"title": "text", "type": "string"}, {"title": "list", **listed}]
        # the items stand beside the two, too, so that the server says which one is wrong
        return {"anyOf": kinds, "items": listed["items"]}

    def _parsed(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return value.strip() if value.strip() in self.words else self.parse(value)


def _names(text: str) -> list[ClassName]:
    """Names between commas, in quotes if they have commas themselves; numbers become such."""
    words = [word.strip() for word in next(csv.reader([text.strip()], skipinitialspace=True), [])]
    return [int(word) if re.fullmatch(NUMERIC_NAME, word) else word for word in words]


def _subsets(text: str) -> list[list[ClassName]]:
    return [_names(subset) for subset in re.findall(r'(?:"[^"]*"|[^\s"])+', text)]


def _seeds(text: str) -> list[int | str]:
    return [seed for word in _names(text) for seed in _range(str(word))]


def _range(text: str) -> Iterable[int | str]:
    ends = re.fullmatch(rf"{NUMBER}(\.\.{NUMBER})?", text)
    if not ends:
        return [text]
    first, last = int(ends[1]), int(ends[3] or ends[1])
    if last - first >= MOST_SEEDS:
        raise ValueError(f"give at most {MOST_SEEDS:,} seeds")
    return range(first, last + 1)


def _show_names(names: Iterable[ClassName], delimiter: str = ",") -> str:
    quoted = (f'"{name}"' if re.search(delimiter, str(name)) else str(name) for name in names)
    return ",".join(quoted)


def _show_subsets(subsets: Iterable[Iterable[ClassName]]) -> str:
    return " ".join(_show_names(subset, delimiter=r"[,\s]") for subset in subsets)


def _show_seeds(seeds: Sequence[int]) -> str:
    """Three or more in a row are a range."""
    starts = [0, *(i for i in range(1, len(seeds)) if seeds[i] != seeds[i - 1] + 1), len(seeds)]
    runs = [seeds[start:end] for start, end in pairwise(starts)]
    return ",".join(f"{run[0]}..{run[-1]}" if len(run) > 2 else _show_names(run) for run in runs)


def _require(holds: Callable[[Any], bool], sentence: str) -> AfterValidator:
    """Annotation: a list of which this does not hold is refused in this sentence."""

    def check(value: Any) -> Any:
        if not (isinstance(value, str) or holds(value)):
            raise ValueError(sentence)
        return value

    return AfterValidator(check)


def _differ(values: Sequence[Any], least: int = 1) -> bool:
    return len(values) >= least and len(set(map(str, values))) == len(values)


_are_apart = partial(_differ, least=2)


Name = Annotated[int, Strict()] | Annotated[str, Strict(), Field(min_length=1)]
Names = tuple[Name, ...]
Seed = Annotated[int, Strict(), Field(ge=0, le=2**32 - 1)]
Recipes = tuple[Annotated[str, Field(json_schema_extra={"enum": [*RECIPES]})], ...]

_SEVERAL = _require(
    lambda subsets: all(map(_are_apart, subsets)),
    "every subset is two or more different classes, as in 0,1 3,5,8",
)
_KNOWN = _require(
    lambda recipes: not recipes or (_differ(recipes) and set(recipes) <= set(RECIPES)),
    f"give one or more of {', '.join(RECIPES)}, each once",
)

Classes = Annotated[
    Names,
    Typed("0,1", _names, _show_names),
    _require(
        lambda names: not names or _are_apart(names),
        "give two or more different classes, as in 0,1 or cat,dog",
    ),
]
BaseClasses = Annotated[
    Literal["all", "others"] | Names,
    Typed("all|others|2,3", _names, _show_names, ("all", "others")),
    _require(
        _are_apart, "give all, others, or two or more different classes, as in 2,3 or cat,dog"
    ),
]
Pairs = Annotated[
    Literal["all"] | tuple[Names, ...],
    Typed("all", _subsets, _show_subsets, ("all",)),
    _SEVERAL,
    _require(
        lambda pairs: all(len(pair) == 2 for pair in pairs),
        "a pair is two classes, as in 0,1; give others as --subsets",
    ),
]
Subsets = Annotated[tuple[Names, ...], Typed("0,1 3,5,8", _subsets, _show_subsets), _SEVERAL]
Seeds = Annotated[
    tuple[Seed, ...],
    Typed("0..4", _seeds, _show_seeds),
    _require(_differ, "give one or more different seeds, as in 0..4 or 0,1,7"),
]
RecipeNames = Annotated[Recipes, Typed(",".join(RECIPES), _names, _show_names), _KNOWN]
OneRecipe = Annotated[
    Recipes,
    Typed(next(iter(RECIPES)), _names, _show_names),
    _KNOWN,
    _require(lambda recipes: len(recipes) == 1, "a model in use comes from one recipe; give one"),
]

ELSEWHERE = ("artifacts", "wait", "refresh")  # these decide where and when, not what


def shown(setting: FieldInfo, value: Any) -> str:
    """A setting's value as it is typed: `0,1`, `0,1 3,5`, `0..4`."""
    typed = annotation(setting)
    is_list = not isinstance(value, str)
    return typed.show(value) if isinstance(typed, Typed) and is_list else str(value)


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
