"""Subsets of the classes."""

from collections.abc import Sequence
from itertools import combinations

Classes = tuple[int, ...]


def all_pairs(classes: Sequence[int]) -> list[Classes]:
    """Every two of the classes, in order: 45 of ten."""
    return list(combinations(sorted(classes), 2))
