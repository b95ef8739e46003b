"""Files of somebody who may write to the artifacts, the registry or the inbox: none executes.

Each is a miss, after which what is made anew is stored and read, or ends in one sentence.
"""

import io
import json
import os
import pickle
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import h5py
import keras
import numpy as np
import onnx
import pytest
from conftest import squares
from deliveries import look
from onnx.helper import make_graph, make_model, make_node, make_tensor_value_info
from prefect.serializers import CompressedSerializer, JSONSerializer, PickleSerializer

from tasks.arrivals.batch import read_notes
from tasks.data.read import find_source, read_source
from tasks.errors import ReadableError
from tasks.networks.attempts import make_attempts, read_checkpoint
from tasks.networks.export import PortableModel
from tasks.networks.models import read_model, weights_sha256
from tasks.networks.recipe import Training
from tasks.networks.training import Compiled
from tasks.prediction.reading import count_images
from tasks.registry.decision import Judged
from tasks.registry.portable import find_flaw
from tasks.registry.registry import Registry
from tasks.schemas.references import ArrayReference, Dataset, Split
from tasks.storage.reasons import NotStoredError, stored
from tasks.storage.records import write_record
from tasks.storage.stages import Checkpoint, cache_key
from tasks.storage.store import SECRET, DamagedError, Store, read_checksummed, write_checksummed
from tasks.trials.trial import Group, Trial, TrialResult, find_all, keep

MISS = "a miss"
DEEP = "[" * 100_000
DIGITS = "9" * 5_000  # more than Python reads as a number
TRAINING = Training(
    loss="crossentropy",
    optimizer="sgd",
    learning_rate=0.1,
    batch_size=8,
    epochs=1,
    attempts=1,
    gated=False,
)


class Command:
    """What runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple:
        return os.system, (self._command,)


def pickled(command: str) -> bytes:
    return pickle.dumps(Command(command))


def objects(command: str) -> np.ndarray:
    return np.array([Command(command)], object)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npy_header(header: str) -> bytes:
    text = f"{header}\n".encode("latin1")
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def npz(method: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def as_prefect(command: str) -> bytes:
    return PickleSerializer().dumps(Command(command))


def called(command: str) -> dict:
    """What Prefect's own JSON makes a call of."""
    return {"__class__": "subprocess.call", "data": {"args": command, "shell": True}}


# --- records: what is changed in one of ours -----------------------------------------------------

DECIDED_BY = {"stage": "any"}


def envelope(serializer: dict, result: Callable[[str], bytes]) -> Callable[[list, str], dict]:
    """As Prefect writes a record, which has its serializer made, whatever it is."""

    def change(_: list, command: str) -> dict:
        metadata = {"storage_key": "key", "serializer": serializer, "storage_block_id": None}
        return {"metadata": metadata, "result": result(command).decode()}

    return change


def compressed(command: str) -> bytes:
    return CompressedSerializer(serializer=PickleSerializer()).dumps(Command(command))


def named(name: object) -> Callable[[list, str], list]:
    return lambda record, command: [name, called(command), record[2]]


def fields(**changes: object) -> Callable[[list, str], list]:
    return lambda record, _: [record[0], record[1] | changes, record[2]]


def record(change: Callable[[list, str], object], place: Path, command: str) -> str:
    """Whether a record is taken for one; then what is stored again is read."""
    store = Store(place)
    reference = store.add_array("some", np.arange(3))
    write_record(store, reference, DECIDED_BY)
    name = f"records/{cache_key(DECIDED_BY)}"
    found = change(json.loads(store.read(name).partition(b"\n")[2]), command)
    text = found if isinstance(found, str) else json.dumps(found)
    write_checksummed(store, name, text.encode("latin1"))
    return again(store, reference)


def again(store: Store, reference: ArrayReference) -> str:
    with suppress(NotStoredError):
        return f"it was taken: {stored(store, DECIDED_BY, set())}"
    write_record(store, reference, DECIDED_BY)
    assert stored(store, DECIDED_BY, set()) == reference
    return MISS


def odd_file(make: Callable[[Path], object], place: Path, command: str) -> str:
    """A record that is no regular file."""
    store = Store(place)
    reference = store.add_array("some", np.arange(3))
    (place / "records").mkdir()
    make(place / "records" / cache_key(DECIDED_BY))
    return again(store, reference)


# --- arrays and networks, whose digests are those of their records -------------------------------


def array(content: Callable[[str], bytes], place: Path, command: str) -> str:
    store = Store(place)
    file = store.add("arrays/some.npy", lambda path: path.write_bytes(content(command)))
    store.array(ArrayReference(**dict(file), shape=(1,), dtype="uint8"))
    return "it was read"


@cache
def small_network() -> keras.Model:
    inputs = keras.Input((4,), name="inputs")
    return keras.Model(inputs, keras.layers.Dense(2, name="dense")(inputs))


def network(spoil: Callable[[dict[str, bytes], Path, str], None], place: Path, cmd: str) -> str:
    path = place / "a.keras"
    small_network().save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    spoil(members, place, cmd)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    found = read_model(path)
    same = weights_sha256(found) == weights_sha256(small_network())
    return "the same network" if same else "another network"


def layer(changes: Callable[[str], dict]) -> Callable[[dict[str, bytes], Path, str], None]:
    """The dense layer of the configuration, changed."""

    def spoil(members: dict[str, bytes], place: Path, command: str) -> None:
        config = json.loads(members["config.json"])
        dense = config["config"]["layers"][1]
        given = changes(command)
        kept = {} if "class_name" in given else dense["config"]
        dense |= given | {"config": kept | given.get("config", {})}
        members["config.json"] = json.dumps(config).encode()

    return spoil


def activation(of: Callable[[str], dict]) -> Callable[[dict[str, bytes], Path, str], None]:
    """The dense layer with another activation."""
    return layer(lambda command: {"config": {"activation": of(command)}})


def lambda_layer(command: str) -> dict:
    code = keras.layers.Lambda(eval(f"lambda x: __import__('os').system({command!r}) or x"))
    return keras.saving.serialize_keras_object(code)


def slipping(members: dict[str, bytes], place: Path, command: str) -> None:
    members["assets/dense/../../../../executed"] = b""
    members[f"{place}/executed"] = b""


def linked(external: bool, members: dict[str, bytes], place: Path, command: str) -> None:
    """The kernel of the dense layer lies in another file."""
    secret = place / "secret.h5"
    buffer = io.BytesIO(members["model.weights.h5"])
    with h5py.File(secret, "w") as file:
        file["kernel"] = np.ones((4, 2), np.float32)
    (place / "secret").write_bytes(np.ones((4, 2), np.float32).tobytes())
    with h5py.File(buffer, "r+") as file:
        variables = file["layers/dense/vars"]
        del variables["0"]
        if external:
            raw = [(str(place / "secret"), 0, 32)]
            variables.create_dataset("0", (4, 2), np.float32, external=raw)
        else:
            variables["0"] = h5py.ExternalLink(str(secret), "kernel")
    members["model.weights.h5"] = buffer.getvalue()


def no_archive(place: Path, command: str) -> str:
    (place / "a.keras").write_bytes(pickled(command))
    read_model(place / "a.keras")
    return "it was read"


def onnx_model(node: Any, tensors: list, place: Path, command: str) -> str:
    (outside := place / "secret").write_bytes(bytes(4))
    shown = [make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = make_graph([node], "g", shown[:1], shown[1:], tensors)
    domains = [onnx.helper.make_opsetid(name, 1) for name in ("", "evil")]
    (place / "models").mkdir()
    path = place / "models" / "a.onnx"
    path.write_bytes(make_model(graph, opset_imports=domains).SerializeToString())
    PortableModel(path)
    return f"{outside} was read"


def outside(name: str) -> onnx.TensorProto:
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [1], [0.0])
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=name)
    return tensor


# --- checkpoints and trials ----------------------------------------------------------------------


@cache
def trained() -> tuple[Compiled, np.ndarray, np.ndarray]:
    inputs = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[np.arange(16) % 2]
    return Compiled(small_network(), inputs, targets, TRAINING), inputs, targets


def train(checkpoint: Checkpoint | None) -> str:
    compiled, inputs, targets = trained()
    make_attempts(compiled, inputs, targets, np.arange(16, dtype=np.int32), 0, checkpoint)
    return weights_sha256(compiled.model)


def checkpoint(content: Callable[[str], bytes], place: Path, command: str) -> str:
    """Training as if there were none, which leaves one that is read."""
    store, expected = Store(place), train(None)
    write_checksummed(store, "checkpoints/key", content(command))
    at = Checkpoint(store, "checkpoints/key")
    assert train(at) == expected
    assert read_checkpoint(at) is not None
    return MISS


def kept(notes: str, *arrays: bytes) -> bytes:
    members = {str(number): content for number, content in enumerate(arrays)}
    return npz(notes=npy(np.array(notes)), **members)


def packed(command: str) -> bytes:
    """Variables of the right shapes, as we would store them, but packed."""
    variables = map(np.asarray, trained()[0].variables)
    arrays = {str(number): npy(np.zeros_like(one)) for number, one in enumerate(variables)}
    return npz(zipfile.ZIP_LZMA, notes=npy(np.array(NOTES)), **arrays)


NOTES = json.dumps({"name": "a", "epochs": 1, "dead": []})
ZERO = npy(np.zeros((4, 2), np.float32))

ARRAY = ArrayReference(path="a", sha256="0", shape=(1,), dtype="uint8")
SPLIT = Split(inputs=ARRAY, labels=ARRAY)
TRIAL = Trial(recipe="tuned", classes=(0, 1), head="two-node", seed=0)
RESULT = TrialResult(
    trial=TRIAL, attempts=(), weights_sha256="w", probabilities=np.zeros((3, 2), np.float32)
)


def trial(content: Callable[[str], bytes], place: Path, command: str) -> str:
    store = Store(place)
    data = Dataset(train=SPLIT, test=SPLIT)
    group = Group(trials=(TRIAL,), features=data, held_out=ARRAY, training=TRAINING)
    keep(store, group, RESULT)
    (name,) = store.names("trials")
    write_checksummed(store, name, content(command))
    if find_all(store, group):
        return "it was taken"
    keep(store, group, RESULT)
    assert [one.weights_sha256 for one in find_all(store, group).values()] == ["w"]
    return MISS


def result(**changes: object) -> str:
    return json.dumps(json.loads(RESULT.model_dump_json()) | changes)


# --- batches, the registry, and what is delivered ------------------------------------------------


def note(text: str, place: Path, command: str) -> str:
    write_checksummed(Store(place), "batches/0", text.encode())
    read_notes(Store(place))
    return "it was read"


def batch(path: str) -> str:
    file = {"path": path, "sha256": "0", "shape": [1], "dtype": "uint8"}
    told = {"name": "a", "sha256": "0", "images": file, "labels": file}
    return json.dumps({"number": 1, "batch": told})


def tags(changes: Callable[[str], dict], place: Path, command: str) -> str:
    """The champion of a registry, as its tags have it."""
    found = {
        "sha256": "0",
        "network_sha256": "0",
        "lineage": "0",
        "classes": "[0, 1]",
        "preparation": '{"height": 8, "width": 8, "channels": 1}',
        "run_id": uuid4().hex,
    } | changes(command)
    with closing(sqlite3.connect(place / "registry" / "mlflow.db")) as opened, opened:
        insert(opened, "registered_models", name="base")
        insert(opened, "model_versions", name="base", version=1, run_id=found.pop("run_id"))
        insert(opened, "registered_model_aliases", name="base", version=1, alias="champion")
        for key, value in found.items():
            insert(opened, "model_version_tags", name="base", version=1, key=key, value=value)
    registry = Registry(Store(place), None, "base")
    champion = registry.champion()
    return str(registry.sample(champion))


def insert(opened: sqlite3.Connection, table: str, **row: object) -> None:
    if table == "model_versions":
        row["creation_time"] = 0
    marks = ", ".join("?" * len(row))
    opened.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", [*row.values()])


def sample(place: Path, command: str) -> str:
    """The images that were registered with a model, pickled."""
    run = uuid4().hex
    path = place / "registry" / "files" / run / "artifacts" / "model" / "sample.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(npz(images=npy(objects(command))))
    return tags(lambda _: {"run_id": run}, place, command)


def loader(place: Path, command: str) -> str:
    """A model of MLflow that is loaded by a module beside it."""
    (place / "code").mkdir()
    (place / "code" / "evil.py").write_text(f"import os\nos.system({command!r})\n")
    flavor = "{python_function: {loader_module: evil, code: code}}"
    (place / "MLmodel").write_text(f"flavors: {flavor}\nmodel_uuid: '0'\n")
    nothing = np.zeros(1)
    judged = Judged(True, nothing, nothing, nothing, nothing)
    return find_flaw(f"sqlite:///{place}/a.db", str(place), nothing, judged)


def delivered(content: Callable[[str], bytes], place: Path, command: str) -> str:
    (place / "inbox").mkdir()
    (place / "inbox" / "a.npz").write_bytes(content(command))
    ((_, reason),) = look(place / "inbox", Store(place / "artifacts")).quarantined
    return reason


def data_set(place: Path, command: str) -> str:
    (place / "a.npz").write_bytes(npz(x_train=npy(objects(command)), y_train=ZERO))
    read_source(find_source(str(place / "a.npz"), 0))
    return "it was read"


def predicted(place: Path, command: str) -> str:
    (place / "a.npz").write_bytes(npz(images=npy(objects(command))))
    return str(count_images([place / "a.npz"]))


IMAGES, LABELS = map(npy, squares(20, seed=3))
DAMAGED_NOTE = ".*/batches/0 is damaged, or was signed by another --key; .*"
NOT_OURS = "Version 1 of base was not registered by this project; .*"
NO_ARRAY = ".*/arrays/some-.*npy cannot be loaded: .*"
NOT_LOADED = r".*/a.keras cannot be loaded: .*"
NO_ONNX = r".*/a.onnx cannot be loaded: .*"
OBJECTS = ".*: {} holds Python objects, which are never loaded; .*"

FILES: dict[str, tuple[Callable[[Path, str], str], str]] = {
    "a record as Prefect pickles it": (
        partial(record, envelope({"type": "pickle", "picklelib": "cloudpickle"}, as_prefect)),
        MISS,
    ),
    "a record as Prefect compresses a pickle": (
        partial(
            record,
            envelope({"type": "compressed", "serializer": {"type": "pickle"}}, compressed),
        ),
        MISS,
    ),
    "a record as Prefect's JSON has a call": (
        partial(record, envelope({"type": "json"}, lambda cmd: json.dumps(called(cmd)).encode())),
        MISS,
    ),
    "a record that is a pickle": (
        partial(record, lambda _, command: pickled(command).decode("latin1")),
        MISS,
    ),
    "a record with an item more": (partial(record, lambda found, _: [*found, {}]), MISS),
    "a record of a class that is a list": (partial(record, named(["Dataset"])), MISS),
    "a record of a class of Python's": (partial(record, named("subprocess.call")), MISS),
    "a record of a file of the system": (partial(record, fields(path="/etc/passwd")), MISS),
    "a record of a file above": (partial(record, fields(path="arrays/../../a.npy")), MISS),
    "a record of fields of other types": (partial(record, fields(shape={"a": None})), MISS),
    "a record that is nested deep": (partial(record, lambda found, _: DEEP), MISS),
    "a record with a number of 5,000 digits": (partial(record, lambda found, _: DIGITS), MISS),
    "a record that is a pipe": (partial(odd_file, os.mkfifo), MISS),
    "a record that never ends": (
        partial(odd_file, lambda path: path.symlink_to("/dev/zero")),
        MISS,
    ),
    "an array of pickled objects": (partial(array, lambda cmd: npy(objects(cmd))), NO_ARRAY),
    "an array that is a pickle": (partial(array, pickled), NO_ARRAY),
    "an array whose header is a call": (
        partial(array, lambda cmd: npy_header(f"__import__('os').system({cmd!r})")),
        NO_ARRAY,
    ),
    "an array whose header is nested deep": (
        partial(array, lambda _: npy_header("(" * 9_000)),
        NO_ARRAY,
    ),
    "an array of a petabyte": (
        partial(
            array,
            lambda _: npy_header(
                "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000000,)}"
            ),
        ),
        NO_ARRAY,
    ),
    "an array that is an archive": (
        partial(array, lambda cmd: npz(a=npy(objects(cmd)))),
        NO_ARRAY,
    ),
    "a network with a lambda": (partial(network, layer(lambda_layer)), NOT_LOADED),
    "a network whose activation is a lambda": (
        partial(
            network,
            activation(
                lambda cmd: {
                    "class_name": "__lambda__",
                    "config": lambda_layer(cmd)["config"]["function"]["config"],
                }
            ),
        ),
        NOT_LOADED,
    ),
    "a network with a layer of os": (
        partial(network, layer(lambda cmd: {"module": "os", "class_name": "system"})),
        NOT_LOADED,
    ),
    "a network with a function of subprocess": (
        partial(
            network,
            activation(
                lambda cmd: {
                    "module": "subprocess",
                    "class_name": "function",
                    "config": "getoutput",
                }
            ),
        ),
        NOT_LOADED,
    ),
    "a network with a registered layer": (
        partial(
            network,
            layer(
                lambda cmd: {"module": None, "class_name": "Evil", "registered_name": "evil>Evil"}
            ),
        ),
        NOT_LOADED,
    ),
    "a network with a function of Keras's that is no layer": (
        partial(
            network,
            layer(
                lambda cmd: {
                    "module": "keras.src.utils.file_utils",
                    "class_name": "get_file",
                    "config": {"fname": "a", "origin": "file:///etc/passwd"},
                }
            ),
        ),
        NOT_LOADED,
    ),
    "a network with files that lie elsewhere": (partial(network, slipping), "the same network"),
    "a network whose weights are a link": (
        partial(network, partial(linked, False)),
        NOT_LOADED,
    ),
    "a network whose weights are another file": (
        partial(network, partial(linked, True)),
        NOT_LOADED,
    ),
    "a network that is a pickle": (no_archive, NOT_LOADED),
    "a model with weights of the system": (
        partial(
            onnx_model, make_node("Add", ["x", "w"], ["y"]), [outside("../" * 20 + "etc/passwd")]
        ),
        NO_ONNX,
    ),
    "a model with weights beside the artifacts": (
        partial(onnx_model, make_node("Add", ["x", "w"], ["y"]), [outside("../secret")]),
        NO_ONNX,
    ),
    "a model with an operator of its own": (
        partial(onnx_model, make_node("Evil", ["x"], ["y"], domain="evil"), []),
        NO_ONNX,
    ),
    "a checkpoint with pickled objects": (
        partial(checkpoint, lambda cmd: kept(NOTES, npy(objects(cmd)))),
        MISS,
    ),
    "a checkpoint with pickled notes": (
        partial(checkpoint, lambda cmd: npz(notes=npy(objects(cmd)))),
        MISS,
    ),
    "a checkpoint that is a pickle": (partial(checkpoint, pickled), MISS),
    "a checkpoint that is packed": (partial(checkpoint, packed), MISS),
    "a checkpoint of another network": (partial(checkpoint, lambda _: kept(NOTES, ZERO)), MISS),
    "a checkpoint whose notes are nested deep": (partial(checkpoint, lambda _: kept(DEEP)), MISS),
    "a checkpoint whose notes are others": (
        partial(checkpoint, lambda _: kept('{"name": NaN, "epochs": 1e99, "dead": "x"}')),
        MISS,
    ),
    "a trial with pickled objects": (
        partial(trial, lambda cmd: kept(result(), npy(objects(cmd)))),
        MISS,
    ),
    "a trial that is nested deep": (partial(trial, lambda _: kept(DEEP, ZERO)), MISS),
    "a trial that is no number": (
        partial(trial, lambda _: kept(result(trial=float("nan")), ZERO)),
        MISS,
    ),
    "a trial of other classes": (
        partial(trial, lambda _: kept(result(), npy(np.zeros((3, 9), np.float32)))),
        MISS,
    ),
    "a note of a file of the system": (partial(note, batch("/etc/passwd")), DAMAGED_NOTE),
    "a note of a file above": (partial(note, batch("../a.npy")), DAMAGED_NOTE),
    "a note that is nested deep": (partial(note, DEEP), DAMAGED_NOTE),
    "a version whose run is a path": (
        partial(tags, lambda _: {"run_id": "../../../elsewhere"}),
        NOT_OURS,
    ),
    "a version whose classes are no JSON": (
        partial(tags, lambda cmd: {"classes": f"__import__('os').system({cmd!r})"}),
        NOT_OURS,
    ),
    "a version whose decision is nested deep": (
        partial(tags, lambda _: {"decision": DEEP}),
        NOT_OURS,
    ),
    "a version whose champions are no numbers": (
        partial(tags, lambda _: {"appointment": '{"predecessors": ["../a"]}'}),
        NOT_OURS,
    ),
    "a version with pickled images": (
        sample,
        r".*/sample.npz cannot be loaded: Object arrays cannot be loaded .*",
    ),
    "a version that is loaded by a module beside it": (
        loader,
        r"MLflow cannot load the registered model \(AssertionError: it names other code\)",
    ),
    "a delivery with pickled labels": (
        partial(delivered, lambda cmd: npz(images=IMAGES, labels=npy(objects(cmd)))),
        OBJECTS.format("labels"),
    ),
    "a delivery that is packed": (
        partial(delivered, lambda _: npz(zipfile.ZIP_LZMA, images=IMAGES, labels=LABELS)),
        ".* is compressed as NumPy never does; .*",
    ),
    "a data set of pickled images": (data_set, OBJECTS.format("x_train")),
    "pickled images to predict": (predicted, OBJECTS.format("images")),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_somebody_elses_executes_nothing(name, tmp_path, empty_registry):
    attempt, expected = FILES[name]
    place = shutil.copytree(empty_registry, tmp_path / "place")
    executed = place / "executed"
    try:
        outcome = attempt(place, f"touch {executed}")
    except ReadableError as error:
        outcome = str(error)
    print("OUT", outcome)
    assert re.fullmatch(expected, outcome), outcome
    assert not executed.exists()


def test_there_are_enough_of_them():
    assert len(FILES) >= 40


@pytest.mark.parametrize(
    "load",
    [
        lambda command: pickle.loads(pickled(command)),
        lambda command: JSONSerializer().loads(json.dumps(called(command)).encode()),
        lambda command: np.load(io.BytesIO(npy(objects(command))), allow_pickle=True),
        lambda command: keras.layers.Lambda.from_config(
            lambda_layer(command)["config"], safe_mode=False
        )(np.zeros(1)),
    ],
    ids=["pickle", "prefect", "numpy", "keras"],
)
def test_what_they_carry_would_execute(tmp_path, load):
    load(f"touch {tmp_path}/executed")
    assert (tmp_path / "executed").exists()


def test_a_key_refuses_what_others_wrote_or_moved(tmp_path, monkeypatch):
    store = Store(tmp_path)
    write_checksummed(store, "records/theirs", b"content")
    monkeypatch.setenv(SECRET, "ours")
    write_checksummed(store, "records/ours", b"content")
    assert read_checksummed(store, "records/ours") == b"content"
    (tmp_path / "records/moved").write_bytes((tmp_path / "records/ours").read_bytes())
    for name in ("records/theirs", "records/moved"):
        with pytest.raises(DamagedError, match=f"{name} is not what was stored"):
            read_checksummed(store, name)
    monkeypatch.setenv(SECRET, "another")
    with pytest.raises(DamagedError):
        read_checksummed(store, "records/ours")
    monkeypatch.delenv(SECRET)
    with pytest.raises(DamagedError):
        read_checksummed(store, "records/ours")
    digest, _, content = (tmp_path / "records/ours").read_bytes().partition(b"\n")
    # RFC 2104 by openssl: printf 'records/ours\0content' | openssl dgst -sha256 -hmac ours
    expected = b"7217e4eefe81b5c5fc7089a65422d82d6ae7b7e08ab470933b0f7a0aa60786f0"
    assert (digest, content) == (expected, b"content")
