"""Records of what stages computed, checked with all that they refer to: damage counts as a miss."""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

from tasks.schemas import images, results, training  # noqa: F401    # whose classes records name
from tasks.schemas.references import Record
from tasks.storage.store import DamagedError, Store, read_checksummed, write_checksummed

FOLDER, CHECKPOINTS = "records", "checkpoints"
STORED = ("arrays", "models", "pages")  # the folders of what records refer to
SERIALIZER = "digit-transfer-record"
OURS = {"serializer": {"type": SERIALIZER}, "storage_block_id": None}
UNREADABLE = (OSError, ValueError, LookupError, DamagedError)

_store: ContextVar[Store] = ContextVar("store")


def current_store() -> Store:
    """The store of the present run, or lookup."""
    return _store.get()


@contextmanager
def keeping_in(store: Store) -> Iterator[None]:
    """Within, it is the current store."""
    before = _store.set(store)
    try:
        yield
    finally:
        _store.reset(before)


def encode(record: Record) -> bytes:
    """A record with its class's name, as UTF-8 JSON."""
    return json.dumps([type(record).__name__, record.model_dump(mode="json")]).encode()


def decode(blob: bytes) -> Record:
    """What `encode` made; an unknown class is a `KeyError`, a wrong field a `ValidationError`."""
    name, fields = json.loads(blob)
    return _record_classes(Record)[name].model_validate(fields)


def write_record(
    store: Store, key: str, envelope: Mapping[str, Any], decided_by: Mapping[str, Any] | None
) -> None:
    """Write a record as Prefect has it by its key, with what decided it."""
    content = json.dumps({**envelope, "decided_by": decided_by}).encode()
    write_checksummed(store, f"{FOLDER}/{key}", content)


def read_record(store: Store, key: str) -> dict[str, Any]:
    """A record as Prefect has it; its bytes and then every file that it refers to are checked.

    Raises OSError if there is none, DamagedError if it, or a file it refers to, is not what was
    stored, and ValueError if it names another serializer, storage or type than ours: Prefect
    makes whatever a record names, and its pickle runs code.
    """
    envelope, _ = read_unchecked(store, key)
    named = {name: envelope["metadata"][name] for name in OURS}
    if envelope.keys() != {"metadata", "result"} or named != OURS:
        raise ValueError(f"a record of {named} is not ours")
    for file in decode(envelope["result"].encode()).files():
        store.verified(file)
    with suppress(OSError):  # it was used now, as `unneeded` wants to know
        os.utime(store.root / FOLDER / key)
    return envelope


def read_unchecked(store: Store, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A record of which the bytes alone are checked, and what decided it."""
    envelope = json.loads(read_checksummed(store, f"{FOLDER}/{key}"))
    return envelope, envelope.pop("decided_by", None) or {}


class Checkpoint(NamedTuple):
    """Where arrays and notes of an unfinished stage are, as `read_arrays` takes it."""

    store: Store
    name: str


def current_checkpoint() -> Checkpoint:
    """The checkpoint of the calling task, named as its record will be."""
    from prefect.transactions import get_transaction

    key = getattr(get_transaction(), "key", None)
    assert key, "a cached task runs in a transaction with a key"
    return Checkpoint(current_store(), f"{CHECKPOINTS}/{key}")


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
        envelope, _ = read_unchecked(store, record.name)
        yield from (file.path for file in decode(envelope["result"].encode()).files())


def _record_classes(base: type[Record]) -> dict[str, type[Record]]:
    return {base.__name__: base} | {
        name: found for sub in base.__subclasses__() for name, found in _record_classes(sub).items()
    }
