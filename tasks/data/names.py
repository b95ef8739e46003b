"""Names of classes, text or numbers: in which order they come, and which one was meant."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import numpy as np

from tasks.errors import InputError
from tasks.schemas.images import ClassName
from tasks.schemas.references import Array

NUMBER = r"-?(0|[1-9][0-9]*)"
MOST_CLASSES = 1_000
MOST_SHOWN = 10  # names in one sentence


def in_order(names: Iterable[ClassName]) -> tuple[ClassName, ...]:
    """Each name once: numbers in numeric order if all are numbers, else text in alphabetical."""
    found = {str(name) for name in names}
    if all(re.fullmatch(NUMBER, name) for name in found):
        return tuple(sorted(map(int, found)))
    return tuple(sorted(found))


def check_classes(classes: Sequence[ClassName], place: str) -> None:
    """Raise InputError unless these are 2 to 1,000 names that a person can tell apart."""
    if not 2 <= len(classes) <= MOST_CLASSES:
        few = f" ({classes[0]})" if len(classes) == 1 else ""
        raise InputError(
            f"{place} has {len(classes):,} class{'es' if len(classes) != 1 else ''}{few} "
            f"where 2 to {MOST_CLASSES:,} are right"
        )
    seen: dict[str, ClassName] = {}
    for name in classes:
        plain = unicodedata.normalize("NFC", str(name)).strip().casefold()
        if not plain:
            raise InputError(f"{place} has a class without a name; give each class a name")
        if plain in seen:
            raise InputError(
                f"{place} has the classes {str(seen[plain])!r} and {str(name)!r}, which differ in "
                "case or spaces alone; give one of them another name, or join them"
            )
        seen[plain] = name


def positions(asked: Iterable[ClassName], classes: Sequence[ClassName]) -> tuple[int, ...]:
    """Where the asked names are among the classes; InputError, with the nearest, if one is not."""
    names = [str(name) for name in classes]
    return tuple(_position(str(name), names) for name in asked)


def as_positions(labels: Array, classes: Sequence[ClassName]) -> Array:
    """Where each label (n,) is among the classes, uint8 or uint16; InputError if one is not."""
    names, of_names = np.unique(labels, return_inverse=True)
    kind = np.uint8 if len(classes) <= 256 else np.uint16
    return np.array(positions(names.tolist(), classes), kind)[of_names]


def _position(name: str, names: list[str]) -> int:
    if name in names:
        return names.index(name)
    folded = {one.casefold(): one for one in names}
    # a number is not meant where another one is typed
    close = [] if re.fullmatch(NUMBER, name) else get_close_matches(name.casefold(), folded)
    near = [folded[one] for one in close]
    hint = f"the nearest are {', '.join(near)}" if near else f"there are {shown_names(names)}"
    raise InputError(f"the data have no class {name}; {hint}")


def shown_names(names: Iterable[ClassName]) -> str:
    """Names for a sentence, the first ten if there are many more."""
    shown = [str(name) for name in names]
    if len(shown) <= MOST_SHOWN + 2:
        return ", ".join(shown)
    return f"{', '.join(shown[:MOST_SHOWN])} and {len(shown) - MOST_SHOWN:,} more"
