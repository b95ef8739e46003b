"""Artifacts on S3 and in fsspec's memory: nothing half-written, everything checked."""

import json
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import numpy as np
import pytest
from prefect import flow

from flows.cli import call_flow, run_command
from flows.config import Config, StudyConfig
from flows.main import main
from flows.prefect_run import ByPrefect
from flows.study import study
from tasks.errors import RemoteError
from tasks.reporting.folder import write_folder
from tasks.schemas.references import ArrayReference
from tasks.storage.execution import called_by
from tasks.storage.records import remove_checkpoints
from tasks.storage.stages import current_store, executor, stage
from tasks.storage.store import (
    DamagedError,
    Store,
    read_arrays,
    read_checksummed,
    write_arrays,
    write_checksummed,
)

MIB = 2**20


@pytest.fixture(params=["folder", "memory", "s3"])
def address(request: pytest.FixtureRequest, tmp_path: Path, on_machine: Any) -> str:
    """Each kind of place, empty."""
    if request.param == "s3":
        return request.getfixturevalue("bucket").address
    return f"memory://{uuid4().hex}" if request.param == "memory" else str(tmp_path / "folder")


def local_files(store: Store) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", ["memory", "s3"])
def test_an_array_comes_back_memory_mapped_on_another_machine(kind, on_machine, request):
    address = f"memory://{uuid4().hex}"
    if kind == "s3":
        address = request.getfixturevalue("bucket").address
    reference = Store.at(address).add_array("some", np.array([[1, 2], [3, 4]], np.uint8))
    on_machine("second")
    store = Store.at(address)
    assert local_files(store) == []
    loaded = store.array(reference)
    assert loaded.tolist() == [[1, 2], [3, 4]]
    assert not loaded.flags.writeable
    assert not loaded.flags.owndata
    assert local_files(store) == [store.root / reference.path]


def test_objects_have_the_names_of_the_files_in_a_folder(bucket, on_machine):
    reference = Store.at(bucket.address).add_array("some", np.arange(3))
    assert reference.path == f"arrays/some-{reference.sha256[:16]}.npy"
    assert bucket.names() == [reference.path]
    assert bucket.read(reference.path) == Store.at(bucket.address).verified(reference).read_bytes()


@pytest.mark.parametrize("damage", ["delete", "truncate"])
def test_a_damaged_object_is_noticed_and_healed_by_who_has_a_good_copy(bucket, on_machine, damage):
    reference = Store.at(bucket.address).add_array("some", np.arange(100))
    whole = bucket.read(reference.path)
    bucket.delete(reference.path)
    if damage == "truncate":
        bucket.write(reference.path, whole[:-1])
    on_machine("second")
    with pytest.raises(DamagedError, match=f"^{bucket.address}/{reference.path} is missing or is"):
        Store.at(bucket.address).array(reference)
    assert local_files(Store.at(bucket.address)) == []
    on_machine("first")
    assert Store.at(bucket.address).array(reference).tolist() == list(range(100))
    assert bucket.read(reference.path) == whole
    on_machine("second")
    assert Store.at(bucket.address).array(reference).tolist() == list(range(100))


def test_an_object_is_looked_for_once_a_process(bucket, on_machine, s3_server):
    store = Store.at(bucket.address)
    reference = store.add_array("some", np.arange(100))
    on_machine("first")
    s3_server.requests.clear()
    store.verified(reference)
    assert [request.partition(" ")[0] for request in s3_server.requests] == ["HEAD"]
    store.verified(reference)
    assert len(s3_server.requests) == 1


def test_an_altered_object_of_the_same_length_is_noticed(bucket, on_machine):
    reference = Store.at(bucket.address).add_array("some", np.arange(100))
    content = bytearray(bucket.read(reference.path))
    content[-1] ^= 1
    bucket.write(reference.path, bytes(content))
    on_machine("second")
    with pytest.raises(DamagedError, match="is missing or is not what was stored"):
        Store.at(bucket.address).array(reference)


def test_a_flipped_local_copy_is_replaced_by_the_object(bucket, on_machine):
    store = Store.at(bucket.address)
    reference = store.add_array("some", np.arange(100))
    path = store.root / reference.path
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert store.array(reference).tolist() == list(range(100))
    assert path.read_bytes() == whole


def test_a_refused_upload_leaves_nothing_and_is_one_sentence(bucket, on_machine, s3_server):
    store = Store.at(bucket.address)
    s3_server.refuses = lambda request: request.startswith(("PUT", "POST"))
    with pytest.raises(RemoteError) as error:
        store.add_array("some", np.arange(100))
    assert str(error.value) == f"{bucket.address} cannot be written to (Access Denied)"
    with pytest.raises(RemoteError, match="cannot be written to"):
        store.write("records/one", b"some")
    assert bucket.names() == []
    assert bucket.unfinished_uploads() == []
    assert local_files(store) == []


def test_an_interrupted_multipart_upload_is_discarded(bucket, on_machine, s3_server, monkeypatch):
    monkeypatch.setitem(fsspec.config.conf, "s3", {"default_block_size": 5 * MIB})
    s3_server.refuses = lambda request: "partNumber=2" in request
    store = Store.at(bucket.address)
    with pytest.raises(RemoteError, match="Access Denied"):
        store.add_array("large", np.zeros(11 * MIB, np.uint8))
    assert any("partNumber=1" in request for request in s3_server.requests)
    assert bucket.unfinished_uploads() == []
    assert bucket.names() == []
    assert local_files(store) == []


def test_a_large_array_is_uploaded_in_parts(bucket, on_machine, s3_server, monkeypatch):
    monkeypatch.setitem(fsspec.config.conf, "s3", {"default_block_size": 5 * MIB})
    large = np.random.default_rng(0).bytes(11 * MIB)
    reference = Store.at(bucket.address).add_array("large", np.frombuffer(large, np.uint8))
    assert any("partNumber=3" in request for request in s3_server.requests)
    on_machine("second")
    assert Store.at(bucket.address).array(reference).tobytes() == large


def test_a_named_file_is_replaced_read_and_removed(address):
    store = Store.at(address)
    assert store.names("notes") == []
    with pytest.raises(FileNotFoundError):
        read_checksummed(store, "notes/a")
    write_checksummed(store, "notes/a", b"first")
    write_checksummed(store, "notes/a", b"second")
    assert read_checksummed(store, "notes/a") == b"second"
    assert store.names("notes") == ["notes/a"]
    store.remove("notes/a")
    store.remove("notes/a")
    assert store.names("notes") == []


def test_what_others_write_and_remove_is_seen_at_once(bucket, on_machine):
    store = Store.at(bucket.address)
    write_checksummed(store, "notes/a", b"content")
    assert store.names("notes") == ["notes/a"]
    bucket.write("notes/b", bucket.read("notes/a"))
    bucket.delete("notes/a")
    assert store.names("notes") == ["notes/b"]


def test_an_object_that_was_listed_and_then_deleted_is_uploaded_again(bucket, on_machine):
    store = Store.at(bucket.address)
    reference = store.add_array("some", np.arange(100))
    on_machine("first")
    assert store.names("arrays") == [reference.path]
    bucket.delete(reference.path)
    store.verified(reference)
    assert bucket.names() == [reference.path]


def test_a_damaged_sealed_file_is_noticed(address):
    store = Store.at(address)
    write_checksummed(store, "notes/a", b"content")
    store.write("notes/a", store.read("notes/a")[:-1])
    with pytest.raises(DamagedError, match="notes/a is not what was stored"):
        read_checksummed(store, "notes/a")


def test_arrays_and_notes_come_back_on_another_machine(bucket, on_machine):
    arrays = [np.arange(3), np.ones((2, 2), np.float32)]
    write_arrays(Store.at(bucket.address), "trials/a", arrays, '{"seed": 1}')
    on_machine("second")
    found, notes = read_arrays(Store.at(bucket.address), "trials/a")
    assert [(array.tolist(), str(array.dtype)) for array in found] == [
        ([0, 1, 2], "int64"),
        ([[1, 1], [1, 1]], "float32"),
    ]
    assert notes == '{"seed": 1}'


def test_checkpoints_are_found_on_another_machine(bucket, on_machine):
    write_arrays(Store.at(bucket.address), "checkpoints/key", [np.arange(3)], "{}")
    on_machine("second")
    store = Store.at(bucket.address)
    (name,) = store.names("checkpoints")
    arrays, notes = read_arrays(store, name)
    assert ([array.tolist() for array in arrays], notes) == ([[0, 1, 2]], "{}")
    remove_checkpoints(store, refresh=False)
    assert bucket.names() == [name]
    write_checksummed(store, "records/key", b"finished")
    remove_checkpoints(store, refresh=False)
    assert read_arrays(store, name) is None
    assert bucket.names() == ["records/key"]


def test_names_come_oldest_first(on_machine):
    store = Store.at(f"memory://{uuid4().hex}")
    for name in ("b", "c", "a"):
        store.write(f"notes/{name}", b"")
    assert store.names("notes") == ["notes/b", "notes/c", "notes/a"]


def test_a_report_is_uploaded_and_named_as_the_latest(bucket, on_machine):
    store = Store.at(bucket.address)
    write_folder(store, {"report.md": "one"}, "latest-study")
    folder = write_folder(store, {"report.md": "two", "report.html": "<p>"}, "latest-study")
    assert (store.root / "reports" / "latest-study" / "report.md").read_text() == "two"
    assert bucket.read("reports/latest-study") == folder.name.encode()
    assert bucket.read(f"reports/{folder.name}/report.md") == b"two"
    assert bucket.read(f"reports/{folder.name}/report.html") == b"<p>"


def test_the_address_of_a_store_makes_the_same_store(tmp_path, monkeypatch, on_machine):
    monkeypatch.chdir(tmp_path)
    assert Store.at("some").address == str(tmp_path / "some")
    assert Store.at(f"file://{tmp_path}/some") == Store(tmp_path / "some")
    store = Store.at("s3://bucket/prefix")
    assert store.address == "s3://bucket/prefix"
    assert store.root == tmp_path / "first" / "digit-transfer" / "9737a7d8f5fcd8b8"


def states(folder: Path) -> dict[str, str]:
    """How the tasks of a run ended; of two tasks of a name, Completed if one did."""
    tasks = json.loads((folder / "metrics.json").read_text())["tasks"]
    return {task["task"]: task["state"] for task in sorted(tasks, key=lambda task: task["state"])}


@stage("count")
def count(numbers: int) -> ArrayReference:
    return current_store().add_array("numbers", np.arange(numbers))


@flow
def count_twice(address: str) -> list[str]:
    """How a task ended, and then again."""
    with called_by(ByPrefect(Store.at(address))):
        calling = executor.get()
        for _ in range(2):
            count(3)
        return [one.state for one in calling.finished]


@pytest.mark.usefixtures("prefect_server", "on_machine")
def test_a_record_that_cannot_be_written_is_told(bucket, s3_server, caplog):
    s3_server.refuses = lambda request: "/records/" in request and request.startswith("P")
    assert count_twice(bucket.address) == ["Completed", "Completed"]
    warning = f"this again: {bucket.address} cannot be written to (Access Denied)"
    assert caplog.text.count(f"The next run will compute {warning}") == 2
    s3_server.refuses = lambda request: False
    assert count_twice(bucket.address) == ["Completed", "Cached"]


@pytest.mark.usefixtures("prefect_server", "blank_pictures")
def test_a_run_on_s3_is_cached_on_another_machine_and_damage_costs_one_task(
    tiny_config, bucket, on_machine
):
    config = Config.model_validate(tiny_config.model_dump() | {"artifacts": bucket.address})
    first = main(config)
    assert set(states(first).values()) == {"Completed"}
    assert bucket.read("reports/latest") == first.name.encode()
    assert (
        bucket.read(f"reports/{first.name}/metrics.json") == (first / "metrics.json").read_bytes()
    )
    assert not [name for name in bucket.names() if name.startswith(("probe", "checkpoints/"))]
    on_machine("second")
    second = main(config)
    assert states(second) == dict.fromkeys(states(first), "Cached")
    (damaged,) = [name for name in bucket.names() if name.startswith("arrays/test-features")]
    bucket.write(damaged, bucket.read(damaged)[:-1])
    on_machine("third")
    third = main(config)
    expected = dict.fromkeys(states(first), "Cached") | {"extract-features": "Completed"}
    assert states(third) == expected


def complaint(capsys: pytest.CaptureFixture[str], address: str) -> str:
    """What `flows/main.py` says of artifacts at this address."""
    assert (
        run_command(
            Config.script,
            "",
            Config,
            partial(call_flow, main),
            ["--dataset", "digits", "--artifacts", address],
        )
        == 2
    )
    said = capsys.readouterr().err
    assert "Traceback" not in said
    (error,) = [line for line in said.splitlines() if line.startswith("error: ")]
    return error


@pytest.mark.usefixtures("prefect_server", "on_machine")
def test_a_place_that_cannot_be_used_is_one_sentence(capsys, s3_server, bucket):
    advice = "give a folder or URL that can, and the credentials that it needs"
    assert complaint(capsys, "s3://there-is-no-such-bucket/prefix") == (
        "error: --artifacts s3://there-is-no-such-bucket/prefix cannot be written to "
        f"(The specified bucket does not exist); {advice}"
    )
    assert complaint(capsys, "nowhere://prefix") == (
        "error: --artifacts nowhere://prefix cannot be written to "
        f"(Protocol not known: nowhere); {advice}"
    )
    s3_server.refuses = lambda request: True
    assert complaint(capsys, bucket.address) == (
        f"error: --artifacts {bucket.address} cannot be written to (Access Denied); {advice}"
    )


@pytest.mark.usefixtures("forked_workers", "blank_pictures")
def test_a_worker_needs_nothing_but_the_address(bucket, on_machine, tiny_dataset, tiny_run):
    bucket.copy(tiny_run)
    config = StudyConfig(
        dataset=str(tiny_dataset),
        recipes=("tuned",),
        base_epochs=4,
        folds=0,
        head_epochs=2,
        pairs=((0, 1), (3, 5)),
        workers=1,
        artifacts=bucket.address,
    )
    first = study(config)
    trials = sorted(name for name in bucket.names() if name.startswith("trials/"))
    assert len(trials) == 4
    bucket.write(trials[1], bucket.read(trials[1])[:-1])
    bucket.delete(trials[0])
    on_machine("second")
    second = study(config)
    assert sorted(name for name in bucket.names() if name.startswith("trials/")) == trials
    digests = [
        [trial["weights_sha256"] for trial in json.loads(text)["trials"]]
        for text in ((folder / "metrics.json").read_text() for folder in (first, second))
    ]
    assert digests[0] == digests[1]
    assert bucket.read("reports/latest-study").decode() == second.name
