"""CSV files that list pictures: which file is of which class."""

import csv
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from typing import IO, NamedTuple

from tasks.errors import InputError

SUFFIX = ".csv"
SPLITS = ("train", "test")
COLUMNS = ("path", "label")


class Line(NamedTuple):
    """A picture's path, the name of its class and its split, each empty if not given."""

    path: str
    label: str
    split: str


def is_list(name: str) -> bool:
    """Whether a file's name is that of a CSV file."""
    return name.lower().endswith(SUFFIX)


def read_list(file: IO[bytes], location: str, needed: Sequence[str] = COLUMNS) -> Iterator[Line]:
    """The lines of a CSV file in UTF-8 with the needed columns, and perhaps `split`, as written.

    InputError, which calls the file `location`, if a column or what is needed of a line is missing,
    a split is neither train nor test, or it is no CSV file.
    """
    try:
        rows = csv.DictReader(TextIOWrapper(file, "utf-8-sig", newline=""))
        if missing := [name for name in needed if name not in (rows.fieldnames or ())]:
            raise InputError(
                f"{location} has no column {missing[0]}; it needs {' and '.join(needed)}"
            )
        for row in rows:
            yield _line(row, f"{location}, line {rows.line_num}", needed)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{location} is not a CSV file in UTF-8: {error}") from error


def _line(row: dict[str, str | None], place: str, needed: Sequence[str]) -> Line:
    if empty := [name for name in needed if not (row.get(name) or "").strip()]:
        raise InputError(f"{place} has no {empty[0]}; give {'both' if len(needed) > 1 else 'one'}")
    if row.get("split") is not None and row["split"] not in SPLITS:
        raise InputError(f"{place} has the split {row['split']!r} where train or test is right")
    return Line(*(row.get(name) or "" for name in Line._fields))
