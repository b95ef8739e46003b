"""What travels between tasks: small immutable references, never arrays or models."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, field_validator

# What references point at, as stages and rooms have it.
Array: TypeAlias = NDArray[Any]
Pixels: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]


class Record(BaseModel):
    """Base of what tasks take and return; Prefect's record of a task holds one of these."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    def identity(self) -> Any:
        """What a later task's cache key sees of this value: JSON types only."""
        return {name: identity(value) for name, value in self}

    def files(self) -> Iterator["FileReference"]:
        """Every stored file this value points at."""
        for _, value in self:
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, Record):
                    yield from item.files()


class FileReference(Record):
    """A file of the store: `path` relative to its root, `sha256` of its bytes."""

    path: str
    sha256: str

    @field_validator("path")
    @classmethod
    def _below_the_root(cls, path: str) -> str:
        """A record that was written by others may neither read nor write elsewhere."""
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise ValueError(f"{path} does not lie in the store")
        return path

    def files(self) -> Iterator["FileReference"]:
        """Itself."""
        yield self


class ArrayReference(FileReference):
    """An `.npy` file, seen in `shape`: a reshape costs nothing, the bytes stay where they are."""

    shape: tuple[int, ...]
    dtype: str
    rest: tuple["Rows", ...] = ()  # those of other arrays that follow the file's, as of one array

    def identity(self) -> Any:
        """The bytes and how they are seen; where they lie does not matter."""
        return [self.sha256, self.shape, self.dtype, *identity(self.rest)]

    def followed_by(self, rest: tuple["Rows", ...], count: int) -> Self:
        """The same with rows of other arrays behind it, `count` of them all in all."""
        return self.model_copy(update={"rest": rest, "shape": (count, *self.shape[1:])})

    def files(self) -> Iterator[FileReference]:
        """Its own, and those of the rest."""
        yield self
        for rows in self.rest:
            yield from rows.files()


class Rows(Record):
    """The rows of an array that a mask, bool (n,), marks, or all others; without one, none is."""

    array: ArrayReference
    mask: ArrayReference | None
    marked: bool


class ModelReference(FileReference):
    """A `.keras` file. Its bytes contain a date, so `weights_sha256` is what identifies it."""

    weights_sha256: str
    parameters: int
    trainable_parameters: int

    def identity(self) -> Any:
        """The weights' digest."""
        return self.weights_sha256


class Split(Record):
    """The inputs of one split, images or features, with their labels in the same order."""

    inputs: ArrayReference
    labels: ArrayReference


class Dataset(Record):
    """Training and test split."""

    train: Split
    test: Split


def identity(value: Any) -> Any:
    """What identifies an input of a task, in JSON types."""
    if hasattr(value, "identity"):
        return value.identity()
    if isinstance(value, list | tuple):
        return [identity(item) for item in value]
    return value
