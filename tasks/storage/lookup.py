"""What a run would find stored, and for what reason a stage would run, where nothing may run."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from logging.handlers import BufferingHandler
from typing import Any, Literal, NamedTuple

from tasks.schemas.references import FileReference, Record
from tasks.storage.records import (
    FOLDER,
    UNREADABLE,
    decode,
    keeping_in,
    read_record,
    read_unchecked,
)
from tasks.storage.stages import Stage, cache_key, decisive, lookup
from tasks.storage.store import DamagedError, Store

RECENT = 300  # records, among which a former one of a stage is looked for
SHOWN = 3  # reasons
DIGEST = 64  # characters
MOST_LOGGED = 1_000_000  # lines


class NotStoredError(Exception):
    """A stage would run; `stand_in` is a former result of it, if there is one."""

    def __init__(self, reason: str, stand_in: Record | None = None) -> None:
        super().__init__(reason)
        self.stand_in = stand_in


def stored(store: Store, decided_by: Mapping[str, Any]) -> Record:
    """The result that so much decides; NotStoredError if there is no record, or it is damaged."""
    try:
        return _decoded(read_record(store, cache_key(decided_by)))
    except DamagedError as error:
        reason = str(error)
    except UNREADABLE:
        reason = ""
    before, stand_in = nearest(store, decided_by)
    raise NotStoredError(reason or differences(before, decided_by), stand_in)


def nearest(store: Store, decided_by: Mapping[str, Any]) -> tuple[Mapping[str, Any], Record | None]:
    """What decided a former result of the same stage, and that: of the most similar inputs."""
    wanted = _flat(decided_by)

    def likeness(former: tuple[Mapping[str, Any], Record]) -> tuple[int, int]:
        same = wanted.items() & _flat(former[0]).items()
        return sum(path.startswith("inputs") for path, _ in same), len(same)

    return max(_former(store, decided_by["stage"]), key=likeness, default=({}, None))


def _former(store: Store, stage: str) -> Iterator[tuple[Mapping[str, Any], Record]]:
    """What decided the results of a stage, and these, the newest first."""
    for name in reversed(store.names(FOLDER)[-RECENT:]):
        try:
            envelope, decided_by = read_unchecked(store, name.removeprefix(f"{FOLDER}/"))
            if decided_by.get("stage") == stage:
                yield decided_by, _decoded(envelope)
        except UNREADABLE:
            continue


def _decoded(envelope: Mapping[str, Any]) -> Record:
    return decode(envelope["result"].encode())


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What is another than before, in words; all is, if there is no before."""
    if not before:
        return "it never ran here"
    old, new = _flat(before), _flat(now)
    changed = [path for path in {**new, **old} if old.get(path) != new.get(path)]
    if not changed:
        return "its record is gone"
    told = [_in_words(path, old.get(path), new.get(path)) for path in changed]
    more = len(told) - SHOWN
    return ", ".join(told[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _in_words(path: str, before: object, now: object) -> str:
    kind, _, name = path.partition("/")
    setting = name.replace("/", ".")
    if kind == "source":
        return f"{name} was edited"
    if any(isinstance(one, str) and len(one) == DIGEST for one in (before, now)):
        return f"{setting} has other content"
    return f"{setting} {before} -> {now}"


def _flat(value: Any, path: str = "") -> dict[str, object]:
    """The leaves of nested mappings and lists, by their paths."""
    if isinstance(value, list | tuple):
        value = {str(place): item for place, item in enumerate(value)}
    if not isinstance(value, Mapping):
        return {path: value}
    below = (_flat(item, f"{path}/{name}".lstrip("/")) for name, item in value.items())
    return {path: leaf for leaves in below for path, leaf in leaves.items()}


class Row(NamedTuple):
    """What becomes of a stage, and why it runs, or what its input may come out as otherwise."""

    stage: str
    fate: Literal["runs", "may run", "cached"]
    reason: str = ""


class Looking:
    """Answers for stages out of a store; if it `explains`, with former results in place of new."""

    def __init__(self, store: Store, explains: bool) -> None:
        self.rows: list[Row] = []
        self.said = BufferingHandler(MOST_LOGGED)
        self.log = logging.Logger("lookup")
        self.log.addHandler(self.said)
        self._store, self._explains = store, explains
        self._unsure: dict[str, str] = {}  # the stages whose files may come out otherwise

    def answer(self, stage: Stage[..., Any], inputs: Mapping[str, Any]) -> Any:
        """The result of a stage; NotStoredError where it would run."""
        name, unsure = stage.run_name(inputs), self._unsure_of(inputs.values())
        try:
            result, row = self._found(stage, inputs), Row(name, "cached")
        except NotStoredError as missing:
            result, row = missing.stand_in, Row(name, "runs", str(missing))
        if unsure and row.fate == "cached":
            row = Row(name, "may run", f"if {unsure} comes out otherwise")
        self.rows.append(row)
        if row.fate == "cached" and stage.is_cached:
            self.log.info("Finished in state Cached", extra={"task_run_name": name})
        if row.fate == "runs" and (result is None or not self._explains):
            raise NotStoredError(row.reason)
        if row.fate != "cached":
            self._unsure |= {file.sha256: name for file in _files([result])}
        return result

    def _found(self, stage: Stage[..., Any], inputs: Mapping[str, Any]) -> Any:
        if stage.find:
            return stage.find(**inputs)
        if not stage.is_cached:
            raise NotStoredError("it runs each time")
        return stored(self._store, decisive(stage.name, stage.fn.__module__, inputs))

    def _unsure_of(self, values: Iterable[object]) -> str | None:
        found = (self._unsure.get(file.sha256) for file in _files(values))
        return next(filter(None, found), None)


def _files(values: Iterable[object]) -> Iterator[FileReference]:
    for value in values:
        if isinstance(value, Record):
            yield from value.files()
        elif isinstance(value, list | tuple):
            yield from _files(value)


@contextmanager
def looking_in(store: Store, explains: bool) -> Iterator[Looking]:
    """Within, nothing runs, and what is called answers out of the store."""
    found = Looking(store, explains)
    before = lookup.set(found)
    try:
        with keeping_in(store):
            yield found
    finally:
        lookup.reset(before)
