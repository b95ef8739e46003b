"""Stages are executed: what is stored is read, the rest runs; or it is explained what would."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from tasks.schemas.references import Record
from tasks.storage import stages
from tasks.storage.reasons import NotStoredError, stored
from tasks.storage.records import write_record
from tasks.storage.store import Store

CACHED = "Cached"


class Executing:
    """Runs stages in this process, but for those that are stored, unless it is to `refresh`."""

    is_prefect = False

    def __init__(self, store: Store, refresh: bool = False) -> None:
        self.store, self.finished = store, list[stages.TaskRunResult]()
        self._refresh, self._known = refresh, set[str]()

    def call(self, stage: stages.Stage[..., Any], inputs: Mapping[str, Any]) -> Any:
        """The result of a stage."""
        return self.execute(stage, inputs)[0]

    def execute(self, stage: stages.Stage[..., Any], inputs: Mapping[str, Any]) -> tuple[Any, str]:
        """The result of a stage, and the name of the state in which it ended."""
        started, decided_by = time.monotonic(), decided(stage, inputs)
        key = stages.cache_key(decided_by) if decided_by else ""
        with stages.running(stage.run_name(inputs), key):
            result = self._found(stage, decided_by)
            state = "Completed" if result is None else CACHED
            if result is None:
                result = stage.fn(**inputs)
                if stage.is_cached:
                    write_record(self.store, result, decided_by)
                    self._known.add(key)
        seconds = time.monotonic() - started
        self.finished.append(stages.TaskRunResult(task=stage.name, state=state, seconds=seconds))
        return result, state

    def _found(self, stage: stages.Stage[..., Any], decided_by: Mapping[str, Any]) -> Any:
        try:
            found = self._stored(stage, decided_by)
        except NotStoredError as missing:
            if missing.stand_in:
                stages.get_run_logger().info("runs: %s", missing)
            return None
        if not self.is_prefect:  # which logs this by itself
            stages.get_run_logger().info("Finished in state Cached")
        return found

    def _stored(self, stage: stages.Stage[..., Any], decided_by: Mapping[str, Any]) -> Any:
        if self._refresh or not stage.is_cached:
            raise NotStoredError("it runs each time")
        found = stored(self.store, decided_by, self._known)
        self._known.add(stages.cache_key(decided_by))
        return found


def decided(stage: stages.Stage[..., Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the result of a stage; nothing is looked at if it is not cached."""
    return stages.decisive(stage.name, stage.fn.__module__, inputs) if stage.is_cached else {}


class Row(NamedTuple):
    """What becomes of a stage, and why it runs, or what its input may come out as otherwise."""

    stage: str
    fate: Literal["runs", "may run", "cached"]
    reason: str = ""


class Explaining(Executing):
    """Says what would become of stages, with former results in place of new ones."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.rows: list[Row] = []
        self._unsure: dict[str, str] = {}  # the stages of what may come out otherwise

    def call(self, stage: stages.Stage[..., Any], inputs: Mapping[str, Any]) -> Any:
        """The result of a stage, or a former one; NotStoredError where there is none."""
        name = stage.run_name(inputs)
        unsure = {
            one: of
            for one, value in inputs.items()
            for of in filter(None, map(self._unsure.get, _contents([value])))
        }
        may_run = Row(name, "may run", f"if {next(iter(unsure.values()), '')} comes out otherwise")
        try:
            result = self._stored(stage, decided(stage, inputs))
            row = may_run if unsure else Row(name, "cached")
        except NotStoredError as missing:
            result, others = missing.stand_in, {*missing.inputs} - unsure.keys()
            is_sure = others or not missing.inputs  # a former result stood in for an input
            row = Row(name, "runs", str(missing)) if is_sure else may_run
        self.rows.append(row)
        if result is None:
            raise NotStoredError(row.reason)
        if row.fate != "cached":
            self._unsure |= dict.fromkeys(_contents([result]), name)
        return result


def _contents(values: Iterable[object]) -> Iterator[str]:
    """What identifies the records in some values, and those in these."""
    for value in values:
        if isinstance(value, Record):
            yield json.dumps(value.identity())
            yield from _contents(item for _, item in value)
        elif isinstance(value, list | tuple):
            yield from _contents(value)


@contextmanager
def called_by(calling: Executing) -> Iterator[None]:
    """Within, it calls the stages."""
    before = stages.executor.set(calling)
    try:
        yield
    finally:
        stages.executor.reset(before)
