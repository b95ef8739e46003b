"""The whole flow, shrunk: what it stores, what it computes again, and when."""

import json
import os
import pickle
import shutil
from collections import Counter
from functools import partial
from hashlib import sha256
from itertools import cycle, zip_longest
from pathlib import Path

import numpy as np
import pytest
from prefect.serializers import PickleSerializer

from flows.config import Config
from flows.main import main
from flows.recipes import RECIPES
from tasks.errors import InputError
from tasks.storage.records import read_record
from tasks.storage.store import DamagedError, Store

pytestmark = pytest.mark.usefixtures("prefect_server")
undrawn = pytest.mark.usefixtures("blank_pictures")

TASKS = [
    "load",
    "reshape",
    "hold-out",
    "one-hot",
    "filter",
    "one-hot",
    "hold-out",
    "train-base",
    "extract-features",
    "transfer-two-node",
    "transfer-one-node",
    "evaluate",
    "evaluate",
    "evaluate",
    "extract-unknown",
    "evaluate-refusal",
    "extract-unknown",
    "evaluate-refusal",
    "find-overlap",
    "compare",
]


def run(config: Config) -> dict:
    return json.loads((main(config) / "metrics.json").read_text())


@pytest.fixture
def first(tiny_run: Path, tiny_config: Config) -> dict:
    """What the run for which nothing was cached had to tell, were it not for its folder."""
    metrics = json.loads((tiny_run / "reports" / "latest" / "metrics.json").read_text())
    metrics["config"]["artifacts"] = tiny_config.artifacts
    return metrics


@pytest.fixture
def ran(tiny_config: Config, tiny_run: Path) -> Config:
    """The same experiment once more, in a copy of that run's artifacts."""
    shutil.copytree(tiny_run, tiny_config.artifacts, symlinks=True)
    return tiny_config


def states(metrics: dict) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for task in metrics["tasks"]:
        found.setdefault(task["task"], set()).add(task["state"])
    return found


def computed(metrics: dict) -> set[str]:
    return {task for task, found in states(metrics).items() if "Completed" in found}


def without_times(metrics: dict) -> dict:
    models = [
        {key: value for key, value in model.items() if key not in ("fit_seconds", "attempt_log")}
        for model in metrics["models"]
    ]
    untimed = {
        key: value
        for key, value in metrics.items()
        if key not in ("models", "tasks", "environment")
    }
    return untimed | {"models": models}


def changed(config: Config, **update) -> Config:
    return Config.model_validate(config.model_dump() | update)


def test_the_whole_experiment(first):
    assert [task["task"] for task in first["tasks"]] == TASKS
    assert first["dataset"] | {"sha256": "", "source": ""} == {
        "name": "tiny.npz",
        "source": "",
        "sha256": "",
        "notice": "",
        "train": 1500,
        "test": 100,
        "train_subset": 300,
        "test_subset": 20,
    }
    models = first["models"]
    assert [model["model"] for model in models] == ["base", "two-node", "one-node"]
    assert [model["parameters"] for model in models] == [325_282, 323_674, 323_473]
    assert [model["trainable_parameters"] for model in models] == [325_282, 231_002, 230_801]
    assert [model["n"] for model in models] == [100, 20, 20]
    for model in models:
        assert model["accuracy"] == pytest.approx(1 - model["errors"] / model["n"])


def test_transfer_leaves_the_backbone_bit_identical(tiny_run):
    import keras

    backbones = []
    for name in ("base", "two-node", "one-node"):
        (path,) = (tiny_run / "models").glob(f"{name}-*.keras")
        backbone = keras.saving.load_model(path, compile=False).get_layer("backbone")
        backbones.append([weight.tobytes() for weight in backbone.get_weights()])
    assert [len(weights) for weights in backbones] == [6, 6, 6]
    assert backbones[0] == backbones[1] == backbones[2]


def test_a_second_run_is_entirely_cached(first, ran):
    second = run(ran)
    assert computed(first) == set(TASKS)
    assert computed(second) == set()
    assert without_times(second) == without_times(first)
    assert [m["fit_seconds"] for m in second["models"]] == [
        m["fit_seconds"] for m in first["models"]
    ]


@undrawn
def test_refresh_computes_everything_again(first, ran):
    again = run(changed(ran, refresh=True))
    assert computed(again) == set(TASKS)
    assert without_times(again)["models"] == without_times(first)["models"]
    assert computed(run(ran)) == set()


@undrawn
def test_both_recipes_make_six_models_and_share_the_data(ran, monkeypatch):
    twin = RECIPES["tuned"].model_copy(update={"scaling": 1 / 128})
    monkeypatch.setitem(RECIPES, "notebook", twin)  # the real one needs more data than this
    metrics = run(changed(ran, recipes=("notebook", "tuned")))
    assert [(model["recipe"], model["model"]) for model in metrics["models"]] == [
        (recipe, model)
        for recipe in ("notebook", "tuned")
        for model in ("base", "two-node", "one-node")
    ]
    assert [task["task"] for task in metrics["tasks"]].count("load") == 1
    assert [task["task"] for task in metrics["tasks"]].count("train-base") == 2
    once = [(row["recipe"], row["model"]) for row in metrics["as_published"]]
    name = "as published, one attempt"
    assert once == [(name, "base"), (name, "two-node"), (name, "one-node")]
    healthy = metrics["models"][0]["weights_sha256"]  # its first attempt is the only one
    assert metrics["as_published"][0]["weights_sha256"] == healthy


@undrawn
def test_other_classes_keep_the_base(ran):
    metrics = run(changed(ran, classes=(7, 3)))
    assert computed(metrics) == {
        "filter",
        "one-hot",
        "hold-out",
        "extract-features",
        "transfer-two-node",
        "transfer-one-node",
        "evaluate",
        "extract-unknown",
        "evaluate-refusal",
        "compare",
    }
    assert states(metrics)["one-hot"] == {"Cached", "Completed"}


@undrawn
def test_other_head_settings_keep_the_base_and_the_data(ran):
    metrics = run(changed(ran, head_epochs=1))
    assert computed(metrics) == {
        "transfer-two-node",
        "transfer-one-node",
        "evaluate",
        "evaluate-refusal",
        "compare",
    }


def test_equal_data_elsewhere_and_moved_artifacts_are_cached(ran, tmp_path):
    elsewhere = str(shutil.copy(ran.dataset, tmp_path / "copy.npz"))
    moved = Path(ran.artifacts).rename(tmp_path / "moved")
    assert computed(run(changed(ran, dataset=elsewhere, artifacts=moved))) == set()


@undrawn
def test_three_classes_have_no_one_node_head(ran):
    metrics = run(changed(ran, classes=(2, 0, 1)))
    assert [model["model"] for model in metrics["models"]] == ["base", "three-node"]


def test_a_missing_class_fails_before_training_and_keeps_what_was_stored(ran, tmp_path):
    path = tmp_path / "three.npz"
    tiny = np.load(ran.dataset)
    few = {"x_train": tiny["x_train"][:3], "y_train": tiny["y_train"][:3]}
    np.savez(path, **few, x_test=tiny["x_test"], y_test=tiny["y_test"])
    with pytest.raises(
        InputError, match=r"class 3, like 6 more, has too few images \(0 to train on, 10"
    ):
        main(changed(ran, dataset=str(path), classes=(0, 5)))
    with pytest.raises(
        InputError, match=r"^the data have no class 12; there are 0, 1, 2, 3, 4, 5, "
    ):
        main(changed(ran, classes=(0, 12)))
    assert computed(run(ran)) == set()


def delete(path):
    path.unlink()


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


# Of each task run the arrays or the model that it stores: a round damages one of each.
PRODUCERS = [
    ("load", "train-inputs train-labels test-inputs test-labels"),
    ("filter", "train-subset-inputs train-subset-labels test-subset-inputs test-subset-labels"),
    ("one-hot", "train-one-hot-10-labels test-one-hot-10-labels"),
    ("one-hot", "train-one-hot-2-labels test-one-hot-2-labels"),
    ("train-base", "base"),
    ("extract-features", "train-features-inputs test-features-inputs"),
    ("transfer-two-node", "two-node"),
    ("transfer-one-node", "one-node"),
    ("evaluate", "base-probabilities"),
    ("evaluate", "two-node-probabilities"),
    ("evaluate", "one-node-probabilities"),
    ("find-overlap", "overlap"),
    ("hold-out", "held-out-10"),
    ("hold-out", "held-out-2"),
    ("extract-unknown", "unknown-to-10-0 unknown-to-10-1 unknown-to-10-2"),
    ("extract-unknown", "unknown-to-2-0 unknown-to-2-1 unknown-to-2-2 unknown-to-2-3"),
]
DAMAGES = (delete, truncate, flip)


def completed(metrics: dict) -> Counter[str]:
    """How often each task was computed; after a training, whose time it shows, compare is."""
    found = Counter(task["task"] for task in metrics["tasks"] if task["state"] == "Completed")
    return found - Counter({"compare": 1})


@undrawn
def test_every_damaged_array_and_model_is_made_again_by_its_producer_alone(first, ran):
    artifacts = Path(ran.artifacts)
    stored = {
        path.stem.rpartition("-")[0]: path
        for folder in ("arrays", "models")
        for path in (artifacts / folder).iterdir()
    }
    assert set(stored) == {name for _, names in PRODUCERS for name in names.split()}
    damages = cycle(DAMAGES)
    for names in zip_longest(*(names.split() for _, names in PRODUCERS)):
        for name in filter(None, names):
            next(damages)(stored[name])
        metrics = run(ran)
        assert without_times(metrics) == without_times(first)
        damaged = [task for (task, _), name in zip(PRODUCERS, names, strict=True) if name]
        assert completed(metrics) == Counter(damaged)
    assert computed(run(ran)) == set()


def test_every_damaged_page_makes_a_miss_of_the_comparison_alone(first, ran):
    artifacts, damages = Path(ran.artifacts), cycle(DAMAGES)
    (record,) = (p for p in (artifacts / "records").iterdir() if b"pages/" in p.read_bytes())
    pages = sorted((artifacts / "pages").iterdir())
    assert len(pages) == 10
    for page in pages:
        whole = page.read_bytes()
        next(damages)(page)
        with pytest.raises((OSError, DamagedError)):
            read_record(Store(artifacts), record.name)
        page.write_bytes(whole)
        assert read_record(Store(artifacts), record.name)
    for page in pages:
        next(damages)(page)
    metrics = run(ran)
    assert without_times(metrics) == without_times(first)
    assert computed(metrics) == {"compare"}
    assert computed(run(ran)) == set()


def hostile(path: Path, content: bytes) -> None:
    """Another content of a record, checksummed as ours."""
    path.write_bytes(sha256(content).hexdigest().encode() + b"\n" + content)


class Command:
    """What runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple:
        return os.system, (self._command,)


@undrawn
def test_a_record_that_is_damaged_or_hostile_is_a_miss_and_runs_no_code(first, ran, tmp_path):
    """All records are damaged or replaced, in each way in turn, and each is a miss.

    For more of what a record may hold see tests/storage/test_hostile.py.
    """
    executed = tmp_path / "executed"
    command = Command(f"touch {executed}")
    envelope = {  # as Prefect writes it
        "metadata": {"serializer": {"type": "pickle", "picklelib": "cloudpickle"}},
        "result": PickleSerializer().dumps(command).decode(),
    }
    ways = [
        *DAMAGES,
        partial(hostile, content=json.dumps(envelope).encode()),
        partial(hostile, content=pickle.dumps(command)),
        partial(hostile, content=b'["posix.system", {"command": "true"}, {}]'),
        partial(hostile, content=b"[[[]]]"),
    ]
    records = sorted((Path(ran.artifacts) / "records").iterdir())
    assert len(records) == len(TASKS) > 2 * len(ways)
    for record, spoil in zip(records, cycle(ways), strict=False):
        spoil(record)
    again = run(ran)
    assert not executed.exists()
    assert [task["state"] for task in again["tasks"]] == ["Completed"] * len(TASKS)
    assert without_times(again) == without_times(first)
    assert computed(run(ran)) == set()
