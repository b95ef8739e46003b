"""Records of what stages computed, checked with all that they refer to: damage counts as a miss."""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasks.errors import DiskError, ReadableError, RemoteError
from tasks.schemas import images, results, training  # noqa: F401    # whose classes records name
from tasks.schemas.references import Record
from tasks.storage.stages import CHECKPOINTS, cache_key, get_run_logger
from tasks.storage.store import Store, read_checksummed, write_checksummed

FOLDER = "records"
STORED = ("arrays", "models", "pages", "trials")  # of what records refer to, and a study's own
UNREADABLE = (OSError, ValueError, LookupError, TypeError, RecursionError, ReadableError)


def write_record(store: Store, record: Record, decided_by: Mapping[str, Any]) -> None:
    """Write a record with its class's name and what decided it, as far as there is space."""
    told = [type(record).__name__, record.model_dump(mode="json"), decided_by]
    try:
        write_checksummed(store, f"{FOLDER}/{cache_key(decided_by)}", json.dumps(told).encode())
    except (DiskError, RemoteError) as error:
        get_run_logger().warning("The next run will compute this again: %s", error)


def read_record(store: Store, key: str, renewed: Collection[str] = ()) -> Record:
    """A record by its key; its bytes and then each file of it, but what is `renewed`, are checked.

    OSError without one, DamagedError if it or a file is not as stored; LookupError or ValueError.
    """
    record, _ = read_unchecked(store, key)
    for file in (one for one in record.files() if one.path not in renewed):
        store.verified(file)
    with suppress(OSError):  # it was used now, as `unneeded` wants to know
        os.utime(store.root / FOLDER / key)
    return record


def read_unchecked(store: Store, key: str) -> tuple[Record, dict[str, Any]]:
    """A record of which the bytes alone are checked, and what decided it.

    Only subclasses of `Record` come to life.
    """
    name, fields, decided_by = json.loads(read_checksummed(store, f"{FOLDER}/{key}"))
    return _record_classes(Record)[name].model_validate(fields), decided_by


def remove_checkpoints(store: Store, refresh: bool) -> None:
    """Remove the checkpoints of stages that have a record, or all."""
    kept = store.names(CHECKPOINTS)
    finished = store.names(FOLDER) if kept else []
    for name in kept:
        if refresh or name.replace(CHECKPOINTS, FOLDER) in finished:
            store.remove(name)


def unneeded(store: Store, since: float, needed: Collection[str]) -> list[Path]:
    """Records that no run used since a `time.time`, and files as old that nothing else needs."""
    records = list((store.root / FOLDER).glob("*"))
    old = [path for path in records if path.stat().st_mtime < since]
    kept = {file for path in set(records) - set(old) for file in _files_of(store, path)} | {*needed}
    files = (path for folder in STORED for path in (store.root / folder).glob("*"))
    others = (path for path in files if str(path.relative_to(store.root)) not in kept)
    return old + [path for path in others if path.stat().st_mtime < since]


def _files_of(store: Store, record: Path) -> Iterator[str]:
    with suppress(*UNREADABLE):  # which makes it a miss
        yield from (file.path for file in read_unchecked(store, record.name)[0].files())


def _record_classes(base: type[Record]) -> dict[str, type[Record]]:
    return {base.__name__: base} | {
        name: found for sub in base.__subclasses__() for name, found in _record_classes(sub).items()
    }
