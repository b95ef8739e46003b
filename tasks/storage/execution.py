"""Stages are executed: what is stored is read, the rest runs; or it is explained what would."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from tasks.schemas.references import Record
from tasks.storage.reasons import NEVER, NotStoredError, stored
from tasks.storage.records import write_record
from tasks.storage.stages import Stage, TaskRunResult, cache_key, executor, get_run_logger, running
from tasks.storage.store import Store

CACHED = "Cached"


class Executing:
    """Runs stages in this process, but for those that are stored, unless it is to `refresh`."""

    is_prefect = False

    def __init__(self, store: Store, refresh: bool = False) -> None:
        self.store, self.finished = store, list[TaskRunResult]()
        self._refresh, self._known, self._renewed = refresh, set[str](), set[str]()

    def call(self, stage: Stage[..., Any], inputs: Mapping[str, Any]) -> Any:
        """The result of a stage."""
        return self.execute(stage, inputs)[0]

    def execute(self, stage: Stage[..., Any], inputs: Mapping[str, Any]) -> tuple[Any, str]:
        """The result of a stage, and the name of the state in which it ended."""
        started, decided_by = time.monotonic(), stage.decided_by(inputs)
        key = cache_key(decided_by) if decided_by else ""
        with running(stage.run_name(inputs), key):
            result = self._found(stage, decided_by)
            state = "Completed" if result is None else CACHED
            if result is None:
                result = stage.fn(**inputs)
                if stage.is_cached:
                    write_record(self.store, result, decided_by)
                    self._known.add(key)
        seconds = time.monotonic() - started
        self.finished.append(TaskRunResult(task=stage.name, state=state, seconds=seconds))
        return result, state

    def _found(self, stage: Stage[..., Any], decided_by: Mapping[str, Any]) -> Any:
        try:
            found = self._stored(stage, decided_by)
        except NotStoredError as missing:
            if stage.is_cached and str(missing) != NEVER:
                get_run_logger().info("runs: %s", missing)
            return None
        if not self.is_prefect:  # which logs this by itself
            get_run_logger().info("Finished in state Cached")
        return found

    def _stored(self, stage: Stage[..., Any], decided_by: Mapping[str, Any]) -> Any:
        if not stage.is_cached:
            raise NotStoredError("it runs each time")
        try:
            found = stored(self.store, decided_by, self._known, self._renewed)
        except NotStoredError as missing:
            if not (self._refresh and missing.stand_in):
                raise
            found = missing.stand_in
        if self._refresh:
            raise NotStoredError("refresh is on", found)
        self._known.add(cache_key(decided_by))
        return found


class Row(NamedTuple):
    """What becomes of a stage, and why it runs, or what its input may come out as otherwise."""

    stage: str
    fate: Literal["runs", "may run", "cached"]
    reason: str = ""


class Explaining(Executing):
    """Says what would become of stages, with former results in place of new ones."""

    def __init__(self, store: Store, refresh: bool = False) -> None:
        super().__init__(store, refresh)
        self.rows: list[Row] = []
        self._unsure: dict[str, str] = {}  # the stages of what may come out otherwise

    def call(self, stage: Stage[..., Any], inputs: Mapping[str, Any]) -> Any:
        """The result of a stage, or a former one; NotStoredError where there is none."""
        name = stage.run_name(inputs)
        unsure = {
            one: of
            for one, value in inputs.items()
            for of in filter(None, map(self._unsure.get, _contents([value])))
        }
        may_run = Row(name, "may run", f"if {next(iter(unsure.values()), '')} comes out otherwise")
        try:
            result = self._stored(stage, stage.decided_by(inputs))
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
            self._renewed |= {file.path for file in result.files()}  # if it comes out as before
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
    before = executor.set(calling)
    try:
        yield
    finally:
        executor.reset(before)
