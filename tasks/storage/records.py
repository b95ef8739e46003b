"""Prefect's result records, checked with all that they refer to: damage counts as a miss."""

import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from prefect.context import FlowRunContext
from prefect.filesystems import WritableFileSystem
from prefect.logging import get_run_logger
from prefect.results import get_result_store
from prefect.serializers import Serializer
from prefect.transactions import get_transaction

from tasks.errors import DiskError, RemoteError
from tasks.schemas import images, results, training  # noqa: F401    # whose classes records name
from tasks.schemas.references import Record
from tasks.storage.store import DamagedError, Store, read_checksummed, write_checksummed

FOLDER, CHECKPOINTS = "records", "checkpoints"
STORED = ("arrays", "models", "pages")  # the folders of what records refer to


class RecordSerializer(Serializer):
    """JSON in which only subclasses of `Record` come to life; Prefect's own could load code."""

    type: Literal["digit-transfer-record"] = "digit-transfer-record"

    def dumps(self, obj: Record) -> bytes:
        """Encode a record with its class's name, as UTF-8 JSON."""
        return json.dumps([type(obj).__name__, obj.model_dump(mode="json")]).encode()

    def loads(self, blob: bytes) -> Record:
        """Decode a record; an unknown class is a `KeyError`, a wrong field a `ValidationError`."""
        name, fields = json.loads(blob)
        return _record_classes(Record)[name].model_validate(fields)


class RecordFolder(WritableFileSystem):
    """Where Prefect keeps its records: atomic on write, verifying on read."""

    _block_type_slug: ClassVar[str] = "digit-transfer-record-folder"

    address: str

    @property
    def store(self) -> Store:
        """The store that has the records, and what their references point at."""
        return Store.at(self.address)

    def write_path(  # type: ignore[override]  # Prefect calls it with _sync
        self, path: str, content: bytes, _sync: bool = True
    ) -> None:
        """Write a record by its key; without space or remote Prefect continues without it."""
        try:
            write_checksummed(self.store, f"{FOLDER}/{path}", content)
        except (DiskError, RemoteError) as error:
            get_run_logger().warning("The next run will compute this again: %s", error)
            raise

    def read_path(self, path: str, _sync: bool = True) -> bytes:  # type: ignore[override]
        """Read a record, and check its bytes and then every file that it refers to.

        Raises OSError if there is none, DamagedError if it, or a file it refers to, is not what was
        stored, and ValueError if it names another serializer, storage or type than ours: Prefect
        makes whatever a record names, and its pickle runs code.
        """
        envelope = json.loads(read_checksummed(self.store, f"{FOLDER}/{path}"))
        ours = {"serializer": {"type": RecordSerializer().type}, "storage_block_id": None}
        named = {key: envelope["metadata"][key] for key in ours}
        if envelope.keys() != {"metadata", "result"} or named != ours:
            raise ValueError(f"a record of {named} is not ours")
        for file in RecordSerializer().loads(envelope["result"].encode()).files():
            self.store.verified(file)
        with suppress(OSError):  # it was used now, as `unneeded` wants to know
            os.utime(self.store.root / FOLDER / path)
        return json.dumps(envelope).encode()  # what was checked, however else it can be read

    def _resolve_path(self, path: str) -> None:
        """Prefect asks for a path on this machine; where there is none, it goes by the key."""


@contextmanager
def storing_in(store: Store) -> Iterator[None]:
    """Within a flow run: tasks keep their records and artifacts in `store`."""
    run = FlowRunContext.get()
    assert run is not None, "storing_in is called inside a flow"
    folder, serializer = RecordFolder(address=store.address), RecordSerializer()
    update = {"result_storage": folder, "serializer": serializer}
    records = run.result_store.model_copy(update=update)
    with run.model_copy(update={"result_store": records}):
        yield


def current_store() -> Store:
    """The store of the flow run that the calling task belongs to."""
    folder = get_result_store().result_storage
    assert isinstance(folder, RecordFolder), "tasks run inside `storing_in`"
    return folder.store


class Checkpoint(NamedTuple):
    """Where arrays and notes of an unfinished stage are, as `read_arrays` takes it."""

    store: Store
    name: str


def current_checkpoint() -> Checkpoint:
    """The checkpoint of the calling task, named as its record will be."""
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
    with suppress(OSError, ValueError, LookupError, DamagedError):  # which makes it a miss
        result = json.loads(read_checksummed(store, f"{FOLDER}/{record.name}"))["result"]
        yield from (file.path for file in RecordSerializer().loads(result.encode()).files())


def _record_classes(base: type[Record]) -> dict[str, type[Record]]:
    return {base.__name__: base} | {
        name: found for sub in base.__subclasses__() for name, found in _record_classes(sub).items()
    }
