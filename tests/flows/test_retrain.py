"""Retraining: what arrives, what is trained, which model is in use."""

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import numpy as np
import pytest
from commands import Started, finish
from conftest import squares
from deliveries import look, used_batches
from pydantic import ValidationError

from flows.cli import run_command
from flows.cli_types import reproducing_command
from flows.config import RetrainCommand, RetrainConfig
from flows.retrain import act, nothing_new, retrain
from tasks import challenge as challenges
from tasks.arrivals.review import decide
from tasks.registry.registry import Registry
from tasks.registry.version import Version
from tasks.schemas.images import Preparation
from tasks.storage.store import Store

pytestmark = pytest.mark.usefixtures("prefect_server", "blank_pictures", "unasked")


def in_two_styles(images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Squares, but every second image of a 3 is another picture."""
    pixels, labels = squares(images, seed)
    restyled = np.flatnonzero(labels == 3)[::2]
    paper = np.random.default_rng(seed + 100)
    pixels[restyled] = paper.integers(0, 30, (len(restyled), 28, 28), dtype=np.uint8)
    pixels[restyled, 4:10, 11:17] += 200
    pixels[restyled, 18:24, 11:17] += 200
    return pixels, labels


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """The test images have a style of 3 that only arrives later."""
    x_train, y_train = squares(600, seed=1)
    x_test, y_test = in_two_styles(200, seed=2)
    path = tmp_path_factory.mktemp("data") / "one-style.npz"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


@pytest.fixture(scope="module")
def first(dataset, tmp_path_factory, prefect_server) -> tuple[Path, tuple[str, str]]:
    """The folder of a first retraining, for which nothing had arrived, and how it ended."""
    folder = tmp_path_factory.mktemp("first")
    return folder, run(configure(dataset, folder))


@pytest.fixture
def config(dataset, tmp_path) -> RetrainConfig:
    """A retraining that is still to be run for the first time."""
    return configure(dataset, tmp_path)


@pytest.fixture
def retrained(first, config) -> RetrainConfig:
    """The same after the first time, in a copy of its artifacts."""
    folder, _ = first
    shutil.copytree(folder / "artifacts", config.artifacts, symlinks=True)
    return config


@pytest.fixture
def trained(retrained, empty_registry) -> RetrainConfig:
    """The same with an empty registry: the models are there, and none of them is registered."""
    folder = Path(retrained.artifacts) / "registry"
    shutil.rmtree(folder)
    shutil.copytree(empty_registry / "registry", folder)
    return retrained


def configure(dataset: Path, folder: Path) -> RetrainConfig:
    (folder / "inbox").mkdir()
    return RetrainConfig(
        dataset=str(dataset),
        inbox=str(folder / "inbox"),
        artifacts=folder / "artifacts",
        model="base",
        classes=(0, 1, 2),  # one head less to train than two have
        base_epochs=8,
        folds=0,
        head_epochs=1,
        margin=0.02,
        log_loss_margin=0.5,  # the average of few steps' weights knows little of how sure to be
    )


def run(config: RetrainConfig) -> tuple[str, str]:
    """The name of the final state, and its message."""
    state = retrain.flow(config, return_state=True)
    return state.name, state.message


def registry(config: RetrainConfig) -> Registry:
    return Registry(Store.at(config.artifacts), None, config.registered_name)


def champion(config: RetrainConfig) -> Version:
    found = registry(config).champion()
    assert found is not None
    return found


def drop(config: RetrainConfig, name: str, images: np.ndarray, labels: np.ndarray) -> Path:
    path = Path(config.inbox) / name
    np.savez(path, images=images, labels=labels)
    return path


def last_report(config: RetrainConfig) -> dict:
    return json.loads((Path(config.artifacts) / "reports" / "latest" / "metrics.json").read_text())


@pytest.fixture
def events(monkeypatch) -> dict[UUID, tuple[str, str, str]]:
    """What was emitted, by id, of which a server keeps one each."""
    emitted = dict[UUID, tuple[str, str, str]]()

    def emit(event: str, resource: dict[str, str], payload: dict[str, str], id: UUID) -> None:
        emitted[id] = (event, resource["prefect.resource.id"], payload["message"])

    monkeypatch.setattr("prefect.events.emit_event", emit)
    return emitted


def test_a_good_batch_is_promoted_once_and_rolled_back(first, retrained, events, capsys):
    config = retrained
    _, end = first
    assert end == ("Completed", "version 1: Promoted: there was no champion yet.")
    replaced = champion(config)
    assert replaced.metrics["images"] == 200
    assert replaced.metrics["errors"] == 10  # the new style
    drop(config, "monday.npz", *in_two_styles(1200, seed=3))
    name, message = run(config)
    assert (name, message.split(":")[:2]) == ("Completed", ["version 2", " Promoted"])
    second = champion(config)
    assert (second.number, second.predecessors) == (2, (1,))
    assert second.metrics["errors"] == 0
    store = Store.at(config.artifacts)
    (batch,) = used_batches(store)
    found, held_out = last_report(config)["dataset"], batch.mask(store)
    # one good label in 200 is doubted, which of 1,200 is more than 16 once in 6,000 batches
    assert 1184 <= len(held_out) <= 1200
    assert (found["train"], found["test"]) == (600 + (~held_out).sum(), 200 + held_out.sum())
    assert 238 <= held_out.sum() <= 240
    unchanged = "nothing has changed since version 2, so nothing was trained"
    assert run(config) == ("Cached", unchanged)
    assert (
        run_command("flows/retrain.py", "", RetrainCommand, act, ["rollback", *options(config)])
        == 0
    )
    assert capsys.readouterr().out == "version 1 is the champion again, in the place of 2\n"
    assert champion(config).number == 1
    assert run(config) == ("Cached", unchanged)  # what was taken back stays so
    assert champion(config).number == 1
    promoted = ("digit-transfer.champion.promoted", f"digit-transfer.{config.registered_name}")
    assert list(events.values()) == [(*promoted, message)]
    status = printed("flows/retrain.py", "status", "--model", config.model, config=config)
    assert "Rolled back from version 2." in status
    assert f"\n\nThe last retraining ended well at {datetime.now(UTC):%Y-%m-%d}" in status


def printed(*arguments: str, config: RetrainConfig) -> str:
    """What a command prints."""
    file = Path(config.inbox).with_name("printed.txt")
    finish(Started(*arguments, "--artifacts", str(config.artifacts), stdout=file))
    return file.read_text()


def test_a_mislabelled_batch_is_not_promoted_and_bad_ones_are_moved_aside(
    retrained, events, caplog
):
    # however long the test takes, what is half written may still be written
    config = retrained.model_copy(update={"settle": 3600})
    drop(config, "good.npz", *squares(300, seed=3))
    images, labels = squares(600, seed=4)
    drop(config, "mislabelled.npz", images, (labels + 1) % 10)
    drop(config, "leaking.npz", *in_two_styles(200, seed=2))
    truncated = drop(config, "truncated.npz", *squares(50, seed=5))
    truncated.write_bytes(truncated.read_bytes()[:-100])
    os.utime(truncated, (0, 0))
    os.mkfifo(Path(config.inbox) / "pipe.npz")
    (Path(config.inbox) / "caf\udce9.npz").symlink_to("/dev/zero")
    half_written = drop(config, "half-written.npz", *squares(50, seed=6))
    half_written.write_bytes(half_written.read_bytes()[:-100])
    _, message = run(config)
    assert re.match(
        r"version 2: Not promoted: it makes \d+ errors of 260 held-out images, the champion \d+, w",
        message,
    )
    left = sorted(path.name for path in Path(config.inbox).iterdir())
    assert left == ["good.npz", "half-written.npz", "quarantine"]
    aside = sorted(path.name for path in (Path(config.inbox) / "quarantine").iterdir())
    assert aside == [
        *("caf\\udce9.npz", "caf\\udce9.npz.reason.txt"),
        *("leaking.npz", "leaking.npz.reason.txt"),
        *("mislabelled.npz", "mislabelled.npz.reason.txt"),
        *("pipe.npz", "pipe.npz.reason.txt"),
        *("truncated.npz", "truncated.npz.reason.txt"),
    ]
    assert "caf\\udce9.npz is quarantined: it is a link where a regular file" in caplog.text
    decide(Store.at(config.artifacts), "approve", "mislabelled.npz", "by mistake")
    _, message = run(config)
    assert re.match(
        r"version 3: Not promoted: it makes \d+ errors of 380 held-out images, the champion \d+, w",
        message,
    )
    assert champion(config).number == 1
    challenger = registry(config).challenger()
    assert (challenger.number, challenger.decision.promoted) == (3, False)
    quarantined = {about for what, about, _ in events.values() if what.endswith("quarantined")}
    bad = ("caf\\udce9", "leaking", "mislabelled", "pipe", "truncated")
    assert quarantined == {f"digit-transfer.batch.{name}.npz" for name in bad}
    refused = [said for what, _, said in events.values() if what.endswith("champion.refused")]
    assert refused[1] == message
    assert len(refused) == 2
    json.dumps([*events.values()]).encode("ascii")  # names of any bytes are text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("record", "version 1: Promoted: there was no champion yet."),
        ("promote", "version 1 won before the last run was killed"),
    ],
)
def test_a_run_that_is_killed_before_the_promotion_is_finished_by_the_next(trained, call, message):
    config = trained
    process = Started("-c", UNTIL_KILLED.format(call=call), *options(config))
    said = process.stderr.read()
    assert process.wait() == -signal.SIGKILL, said
    assert registry(config).champion() is None
    assert run(config) == ("Completed", message)
    assert champion(config).number == registry(config).challenger().number == 1


UNTIL_KILLED = """
import os, signal
from flows.cli import run_command
from flows.config import RetrainCommand
from flows.retrain import act
from tasks.registry.registry import Registry
Registry.{call} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
run_command("flows/retrain.py", "", RetrainCommand, act)
"""


def options(config: RetrainConfig) -> list[str]:
    """A configuration as it is typed."""
    typed = shlex.split(reproducing_command(config.script, config))[2:]
    return [*typed, "--artifacts", str(config.artifacts)]


def test_a_lost_registry_ends_a_run_before_it_takes_anything_in(config, capsys):
    drop(config, "monday.npz", *squares(100, seed=3))
    model = Path(config.artifacts) / "registry/files/0a/artifacts/model/model.onnx"
    model.parent.mkdir(parents=True)
    model.touch()
    assert run_command("flows/retrain.py", "", RetrainCommand, act, options(config)) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(
        f"error: {config.artifacts}/registry/mlflow.db, the database of the model"
    )
    assert not list(Path(config.artifacts).glob("batches/*"))
    assert [path.name for path in (Path(config.artifacts) / "registry").iterdir()] == ["files"]


def test_a_champion_is_not_judged_on_images_that_it_was_trained_on(retrained, capsys):
    typed = [*options(retrained), "--split-seed", "1"]
    assert run_command("flows/retrain.py", "", RetrainCommand, act, typed) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: the choice of held-out images is another than that of the champion of base: "
        "split_seed=1 test_share=0.2, and was split_seed=0 test_share=0.2; "
        "give the settings that it was trained with, or another --artifacts"
    )


def test_a_batch_counts_by_what_is_in_it_and_not_by_its_name(config):
    def drop_daily(seed: int) -> str:
        content = drop(config, "daily.npz", *squares(300, seed)).read_bytes()
        return hashlib.sha256(content).hexdigest()

    first = drop_daily(seed=3)
    look(config.inbox, Store.at(config.artifacts))
    second = drop_daily(seed=4)
    run(config)
    assert lineage(config, registry(config).champion())["batches"] == [first, second]
    notes = Path(config.artifacts) / "batches"
    (notes / first).unlink()
    assert run(config)[0] == "Completed"
    assert lineage(config, registry(config).challenger())["batches"] == [second]
    assert last_report(config)["dataset"]["train"] == 600 + 240
    (notes / second).unlink()
    (Path(config.inbox) / "daily.npz").rename(Path(config.inbox) / "renamed.npz")
    assert run(config) == (
        "Cached",
        "nothing has changed since version 2, so nothing was trained",
    )


def lineage(config: RetrainConfig, version: Version) -> dict:
    files = Path(config.artifacts) / "registry" / "files" / version.run_id / "artifacts"
    return json.loads((files / "lineage.json").read_text())


def test_the_same_model_is_not_judged_against_itself(retrained):
    config = retrained.model_copy(update={"margin": 0.03})  # decides nothing in training
    assert run(config) == ("Cached", "the new model is version 1, which is in use")
    assert registry(config).looks() == 0


@pytest.mark.parametrize(
    ("champion", "more"),
    [
        (1, ""),
        (2, "; version 2, in use, has other data or settings: see `rollback`"),
        (None, ""),
    ],
)
def test_who_took_a_batch_back_is_told_that_the_model_in_use_learned_from_it(champion, more):
    version = champion and SimpleNamespace(number=champion)
    told = {"awaits_promotion": lambda known: False, "champion": lambda: version}
    ended = nothing_new(SimpleNamespace(**told), SimpleNamespace(number=1))
    line = "nothing has changed since version 1, so nothing was trained"
    assert ended == (f"{line}{more}", "Cached")


def test_a_registry_keeps_what_a_model_was_made_of(retrained):
    config = retrained
    version = champion(config)
    files = Path(config.artifacts) / "registry" / "files" / version.run_id / "artifacts"
    made_of = lineage(config, version)
    assert made_of.keys() == {"dataset", "base_dataset", "batches", "config", "source"}
    assert made_of["config"]["base_epochs"] == 8
    assert (files / "report" / "report.html").is_file()
    assert version.classes == tuple(range(10))
    assert version.preparation == Preparation(height=28, width=28, channels=1)


def test_the_champion_labels_images(retrained, tmp_path):
    images, labels = squares(10, seed=9)
    np.savez(tmp_path / "new.npz", images=images)
    path = str(tmp_path / "new.npz")
    lines = printed("flows/predict.py", path, "--model", "base", config=retrained).splitlines()
    assert lines[0] == "image,label,probability,refused,conversion"
    assert [int(line.split(",")[1]) for line in lines[1:]] == labels.tolist()
    assert all(line.endswith(",false,as it is") for line in lines[1:])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"model": "sigmoid", "classes": (0, 1, 2)}, "a single node tells two classes apart"),
        ({"recipes": ("notebook", "tuned")}, "a model in use comes from one recipe; give one"),
        ({"margin": 0}, "greater than 0"),
    ],
    ids=str,
)
def test_impossible_settings_are_refused(settings, sentence):
    with pytest.raises(ValidationError, match=sentence):
        RetrainConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"classes": (0, 1)}, "two-node-0-1"),
        ({"classes": ("cat", "dog")}, "two-node-cat-dog"),
        ({"classes": ("a/b", "c")}, "two-node-a_b-c-8dffb3f9"),
        ({"model": "sigmoid", "classes": (3, 5)}, "one-node-3-5"),
        ({"classes": (2, 0, 1)}, "three-node-2-0-1"),
        ({"model": "base"}, "base"),
    ],
    ids=str,
)
def test_a_registered_model_is_named_by_its_nodes_and_classes(settings, name):
    assert RetrainConfig(**settings).registered_name == name


def test_a_model_that_answers_otherwise_once_it_is_registered_is_not_put_into_use(
    trained, monkeypatch
):
    flaw = "the registered model answers 3 of 200 images otherwise"
    with monkeypatch.context() as broken:
        broken.setattr(challenges, "find_flaw", lambda *anything: flaw)
        assert run(trained) == ("Completed", f"version 1: Not promoted: {flaw}.")
    assert registry(trained).champion() is None
