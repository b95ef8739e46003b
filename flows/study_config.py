"""What a study of many transfers is told."""

import os
import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import NoDecode

from flows.config import RunConfig
from tasks.trials.grid import Classes, all_pairs

DIGITS = range(10)


def _parse_subsets(value: Any) -> Any:
    """Subsets as they are typed on a command line: `0,1 3,5,8`."""
    return [part.split(",") for part in value.split()] if isinstance(value, str) else value


def _parse_pairs(value: Any) -> Any:
    """`all`, or pairs as they are typed on a command line: `0,1 3,5`."""
    return value if value == "all" else _parse_subsets(value)


def _parse_seeds(value: Any) -> Any:
    """Seeds as they are typed on a command line: `0..4`, or `0,1,7`."""
    if not isinstance(value, str):
        return value
    seeds: list[Any] = []
    for part in value.split(","):
        ends = re.fullmatch(r"(\d+)\.\.(\d+)", part.strip())
        seeds.extend(range(int(ends[1]), int(ends[2]) + 1) if ends else [part.strip()])
    return seeds


Subsets = Annotated[tuple[Classes, ...], BeforeValidator(_parse_subsets), NoDecode]


class StudyConfig(RunConfig):
    """What a study does: transfers to many subsets of the classes, from many seeds."""

    script: ClassVar[str] = "flows/study.py"

    pairs: Annotated[
        Literal["all"] | tuple[Classes, ...], BeforeValidator(_parse_pairs), NoDecode
    ] = Field(
        default=(),
        description="Pairs of digits to transfer to: all, for every pair of classes that the data "
        "have, or some, as in 0,1 3,5. All, if neither pairs nor subsets are given.",
    )
    subsets: Subsets = Field(
        default=(),
        description="More subsets to transfer to, of two or more digits each, as in 0,1 3,5,8; "
        "the one-node head is trained for exactly two.",
    )
    seeds: Annotated[tuple[int, ...], BeforeValidator(_parse_seeds), NoDecode] = Field(
        default=(0,),
        description="The seeds of the heads, as in 0..4 or 0,1,7; each gives every head once.",
    )
    shared_base: bool = Field(
        default=True,
        description="One base model a recipe, from the first seed; without it, one for each seed.",
    )
    runner: Literal["processes", "dask"] = Field(
        default="processes",
        description="Where heads are trained: on processes of this machine, or on a Dask cluster.",
    )
    address: str | None = Field(
        default=None,
        description="The address of a Dask scheduler, as in tcp://10.0.0.1:8786; without it, Dask "
        "uses this machine.",
    )
    workers: int | None = Field(
        default=None,
        ge=1,
        description="Worker processes on this machine, 1 or more; one for each core by itself.",
    )

    @field_validator("pairs", "subsets")
    @classmethod
    def _digits_apart(cls, subsets: Any) -> Any:
        for subset in () if subsets == "all" else subsets:
            if len(set(subset)) != len(subset) or len(subset) < 2 or not set(subset) <= set(DIGITS):
                raise ValueError("every subset is two or more different digits, as in 0,1 3,5,8")
        return subsets

    @field_validator("pairs")
    @classmethod
    def _two_digits(cls, pairs: Any) -> Any:
        if pairs != "all" and any(len(pair) != 2 for pair in pairs):
            raise ValueError("a pair is two digits, as in 0,1; give others as --subsets")
        return pairs

    @field_validator("seeds")
    @classmethod
    def _different_seeds(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if not seeds or len(set(seeds)) != len(seeds):
            raise ValueError("give one or more different seeds, as in 0..4 or 0,1,7")
        if not all(0 <= seed < 2**32 for seed in seeds):
            raise ValueError("a seed is 0 or more, and less than 2^32")
        return seeds

    @model_validator(mode="after")
    def _an_address_of_dask(self) -> Self:
        if self.address and self.runner != "dask":
            raise ValueError("--address is that of a Dask cluster; give --runner dask, too")
        return self

    def chosen_subsets(self, present: tuple[int, ...]) -> tuple[Classes, ...]:
        """Each subset once, in order; all pairs are those of the classes that are present."""
        wants_all = self.pairs == "all" or not (self.pairs or self.subsets)
        pairs = all_pairs(present) if wants_all else self.pairs
        return tuple(dict.fromkeys([*pairs, *self.subsets]))

    def base_seeds(self) -> dict[int, tuple[int, ...]]:
        """Which seeds' heads stand on the base of which seed."""
        if self.shared_base:
            return {self.seeds[0]: self.seeds}
        return {seed: (seed,) for seed in self.seeds}

    def chosen_workers(self) -> int:
        """Worker processes on this machine."""
        return self.workers or os.cpu_count() or 1
