"""How numbers are written."""

from collections.abc import Sequence
from typing import Any


def percent(share: float, digits: int = 2) -> str:
    """0.5 as `50.00 %`, with a space that does not break."""
    return f"{100 * share:.{digits}f}\u00a0%"


def listed(value: Any) -> Any:
    """A setting as it is written: 0, 1, and several of these as 0, 1; 3, 5."""
    if not isinstance(value, list):
        return value
    separator = "; " if any(isinstance(item, list) for item in value) else ", "
    return separator.join(str(listed(item)) for item in value)


def enumerated(classes: Sequence[int]) -> str:
    """Classes in a sentence: 3, 5 and 8."""
    *most, last = map(str, classes)
    return f"{', '.join(most)} and {last}"
