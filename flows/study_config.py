"""What a study of many transfers is told."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from flows.cli_types import Example, Pairs, Seeds, Subsets, shown
from flows.config import RunConfig
from tasks.trials.trial import Classes, all_pairs

# what a study requires of address and runner together, for the form
ADDRESS_OF_DASK: JsonDict = {
    "if": {"properties": {"address": {"type": "string", "minLength": 1}}, "required": ["address"]},
    "then": {"properties": {"runner": {"const": "dask"}}, "required": ["runner"]},
}


class StudyConfig(RunConfig):
    """What a study does: transfers to many subsets of the classes, from many seeds."""

    model_config = ConfigDict(json_schema_extra=ADDRESS_OF_DASK)

    script: ClassVar[str] = "flows/study.py"

    pairs: Pairs = Field((), json_schema_extra={"default": ""})
    """Pairs of digits to transfer to: all, for every pair of classes that the data have, or some,
    as in 0,1 3,5. All, if neither pairs nor subsets are given."""

    subsets: Subsets = Field((), json_schema_extra={"default": ""})
    """More subsets to transfer to, of two or more digits each, as in 0,1 3,5,8; the one-node head
    is trained for exactly two."""

    seeds: Seeds = Field((0,), json_schema_extra={"default": "0"})
    """The seeds of the heads, as in 0..4 or 0,1,7; each gives every head once."""

    shared_base: bool = True
    """One base model a recipe, from the first seed; without it, one for each seed."""

    runner: Literal["processes", "dask"] = "processes"
    """Where heads are trained: on processes of this machine, or on a Dask cluster."""

    address: Annotated[str | None, Example("URL")] = None
    """The address of a Dask scheduler, as in tcp://10.0.0.1:8786; without it, Dask uses this
    machine."""

    workers: int | None = Field(None, ge=1)
    """Worker processes on this machine, 1 or more; one for each core by itself."""

    @model_validator(mode="after")
    def _an_address_of_dask(self) -> Self:
        if self.address and self.runner != "dask":
            raise ValueError("--address is that of a Dask cluster; give --runner dask, too")
        return self

    def filled_form(self) -> dict[str, object]:
        """Lists of lists are easier to type than to click."""
        lists = ("pairs", "subsets", "seeds")
        fields = type(self).model_fields
        typed = {name: shown(fields[name], getattr(self, name)) for name in lists}
        return super().filled_form() | typed

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
