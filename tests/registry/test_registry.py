"""The embedded registry, with tiny files as models, and with a kill at every point."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import onnx
import pytest
from commands import forkserver
from disks import small_files

from flows.cli import run_command
from flows.config import PredictConfig, RetrainCommand
from flows.predict import label_with_champion
from flows.retrain import act, describe_registry, describe_schedule
from tasks.challenge import describe_decision
from tasks.errors import DiskError, InputError
from tasks.registry import connection
from tasks.registry.decision import Bounds, Decision, Judged, decide
from tasks.registry.registry import Registry
from tasks.registry.version import Candidate, Version, lineage_digest
from tasks.schemas.images import Preparation
from tasks.storage.files import file_sha256
from tasks.storage.store import Store

NAME = "two-node-0-1"
DIGITS = Preparation(height=28, width=28, channels=1, handwriting=True)
ROOT = Path(__file__).parents[2]
CALLS = (
    *("create_run", "log_batch", "log_dict", "log_artifacts", "log_artifact", "set_terminated"),
    *("create_registered_model", "create_model_version", "set_registered_model_alias"),
    *("log_text", "update_model_version", "set_model_version_tag"),
)


@pytest.fixture(scope="session")
def one_champion(empty_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with version 1 as champion."""
    root = shutil.copytree(empty_registry, tmp_path_factory.mktemp("registry") / "one")
    retrain(root, "first", errors=5)
    return root


@pytest.fixture
def root(empty_registry: Path, tmp_path: Path) -> Path:
    return shutil.copytree(empty_registry, tmp_path / "artifacts")


def open_registry(root: Path) -> Registry:
    return Registry(Store(root), None, NAME)


def write_onnx(path: Path, text: str) -> None:
    """The smallest model that MLflow takes, which has a text."""
    info, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.UINT8
    values = [info(name, kind, ["n"]) for name in ("images", "label")]
    node = onnx.helper.make_node("Identity", ["images"], ["label"])
    graph = onnx.helper.make_graph([node], "tiny", values[:1], values[1:])
    opset = [onnx.helper.make_opsetid("", 15)]
    onnx.save(onnx.helper.make_model(graph, doc_string=text, opset_imports=opset), path)


def text_of(path: Path) -> str:
    return onnx.load(path).doc_string


def candidate(root: Path, text: str, errors: int) -> Candidate:
    model, network, report = root / f"{text}.onnx", root / f"{text}.keras", root / "report"
    write_onnx(model, text)
    network.write_text(text)
    report.mkdir(exist_ok=True)
    (report / "report.md").write_text(f"About {text}.")
    return Candidate(
        model=model,
        sha256=file_sha256(model),
        network=network,
        network_sha256=file_sha256(network),
        classes=(0, 1),
        preparation=DIGITS,
        params={"split_seed": 0, "test_share": 0.2},
        metrics={"accuracy": 1 - errors / 700, "errors": errors, "images": 700},
        lineage={"source": text, "data": ["a", "b"]},
        report=report,
        card=f"# {text}",
        sample=np.zeros((2, 28, 28, 1), np.uint8),
    )


def judged(errors: int) -> Judged:
    """Wrong on ten images for each error, so that two errors fewer are shown to be better."""
    images = np.arange(700)
    return Judged(True, images >= 10 * errors, images % 2, np.full(700, 0.01), images < 0)


def judge(against: Version | None, errors: int, look: int) -> Decision:
    opponents = [judged(int(against.metrics["errors"]))] if against else []
    parts = {"the published test images": np.ones(700, bool)}
    return decide(opponents, judged(errors), parts, Bounds(), look)


def retrain(root: Path, text: str, errors: int) -> None:
    """What flows/retrain.py does once a model is trained."""
    registry, described = open_registry(root), candidate(root, text, errors)
    registry.prepare()
    version = registry.with_lineage(lineage_digest(described.lineage))
    if version is None:
        version, champion = registry.register(described), registry.champion()
        decision = judge(champion, errors, registry.looks() + 1)
        registry.record(version, decision, champion, describe_decision(decision))
        version = registry.with_lineage(version.lineage)
        assert version is not None
    if registry.awaits_promotion(version):
        registry.promote(version)


def champion_of(root: Path) -> tuple[int, str]:
    """The number of the champion and what its model file holds, after all checks."""
    registry = open_registry(root)
    champion = registry.champion()
    assert champion is not None
    assert champion.decision is not None
    return champion.number, text_of(registry.model_path(champion))


def versions(root: Path) -> dict[int, str]:
    """The numbers of all versions, and how their runs ended."""
    client = client_of(root)
    found = client.search_model_versions(f"name = '{NAME}'")
    return {int(one.version): client.get_run(one.run_id).info.status for one in found}


def ends_of_runs(root: Path) -> set[str]:
    """How all runs ended, with and without a version."""
    client = client_of(root)
    experiments = [one.experiment_id for one in client.search_experiments()]
    return {run.info.status for run in client.search_runs(experiments)}


def client_of(root: Path):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{root}/registry/mlflow.db")


def test_a_version_comes_back_as_it_was_registered(root):
    registry = open_registry(root)
    described = candidate(root, "first", errors=5)
    registered = registry.register(described)
    assert registered == registry.challenger()
    assert registry.champion() is None
    assert (registered.number, registered.sha256) == (1, described.sha256)
    assert registered.classes == (0, 1)
    assert registered.preparation == DIGITS
    assert registered.lineage == lineage_digest({"data": ["a", "b"], "source": "first"})
    assert registered.metrics == {"accuracy": 1 - 5 / 700, "errors": 5, "images": 700}
    assert abs((datetime.now(UTC) - registered.created).total_seconds()) < 600
    assert (registered.decision, registered.predecessors) == (None, ())
    assert text_of(registry.model_path(registered)) == "first"


def test_the_run_holds_settings_report_lineage_and_decision(root):
    retrain(root, "first", errors=5)
    champion = open_registry(root).champion()
    client = client_of(root)
    run = client.get_run(champion.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"split_seed": "0", "test_share": "0.2"}
    files = root / "registry/files" / champion.run_id / "artifacts"
    assert sorted(path.relative_to(files).as_posix() for path in files.rglob("*.*")) == [
        *("decision.json", "decision.md", "lineage.json"),
        *("model/card.md", "model/conda.yaml", "model/input_example.json"),
        *("model/model.keras", "model/model.onnx", "model/python_env.yaml"),
        *("model/requirements.txt", "model/sample.npz", "model/serving_input_example.json"),
        "report/report.md",
    ]
    assert (files / "decision.md").read_text() == (
        "Promoted: there was no champion yet.\n\n"
        "| passed | criterion | champion | challenger | bound |\n"
        "| --- | --- | ---: | ---: | ---: |\n"
        "| yes | learned, 1 or 0 |  | 1 | 1 |\n"
        "| yes | chance of as many hits if it knew nothing, at most |  | 0 | 0.025 |"
    )
    assert "| yes | learned" in client.get_model_version(NAME, "1").description
    assert (files / "model/card.md").read_text() == "# first"
    assert open_registry(root).sample(champion).shape == (2, 28, 28, 1)


def test_the_files_of_superseded_versions_may_go_and_what_is_known_of_them_stays(root):
    """Champions 1, 2, 4, 5, 6; version 3 lost, and 7 is the last challenger."""
    for text, errors in [("a", 19), ("b", 16), ("lost", 18), ("c", 13), ("d", 10), ("e", 7)]:
        retrain(root, text, errors)
    retrain(root, "last", 9)
    registry, later = open_registry(root), datetime(2100, 1, 1, tzinfo=UTC)
    champion = registry.champion()
    assert champion is not None
    assert (champion.number, champion.predecessors) == (6, (1, 2, 4, 5))
    gone = registry.superseded(2, later)
    assert {text_of(folder / "model" / "model.onnx") for folder in gone} == {"lost", "b"}
    assert registry.superseded(2, champion.created - timedelta(days=1)) == []
    for folder in gone:
        shutil.rmtree(folder)
    assert registry.superseded(2, later) == []
    assert registry.looks() == 6
    assert [registry.rollback()[1].number for _ in range(2)] == [5, 4]
    assert champion_of(root) == (4, "c")


def test_the_better_one_is_promoted_and_the_other_stays_challenger(root):
    for text, errors in [("first", 5), ("better", 3), ("tie", 3)]:
        retrain(root, text, errors)
    registry = open_registry(root)
    champion, challenger = registry.champion(), registry.challenger()
    assert champion_of(root) == (2, "better")
    assert (champion.predecessors, champion.opponent) == ((1,), 1)
    first = registry._version(1)
    assert champion.decision == judge(first, errors=3, look=1)
    assert challenger.decision == judge(champion, errors=3, look=2)
    assert registry.looks() == 2
    assert [one.number for one in registry.opponents()] == [2, 1]
    assert (challenger.number, challenger.appointment) == (3, None)
    with pytest.raises(ValueError, match="version 3 was not judged better"):
        registry.promote(challenger)


def test_rollback_goes_back_one_champion_at_a_time(root):
    for text, errors in [("first", 9), ("second", 7), ("third", 5)]:
        retrain(root, text, errors)
    registry = open_registry(root)
    assert [version.number for version in registry.rollback()] == [3, 2]
    assert champion_of(root) == (2, "second")
    assert registry.champion().appointment.why == "Rolled back from version 3."
    assert [version.number for version in registry.rollback()] == [2, 1]
    with pytest.raises(InputError, match="There is no previous champion of two-node-0-1"):
        registry.rollback()
    assert champion_of(root) == (1, "first")


def test_what_was_rolled_back_is_neither_promoted_again_nor_gone_back_to(root):
    for text, errors in [("first", 9), ("second", 7)]:
        retrain(root, text, errors)
    open_registry(root).rollback()
    retrain(root, "second", errors=7)
    assert champion_of(root) == (1, "first")
    retrain(root, "third", errors=5)
    assert [version.number for version in open_registry(root).rollback()] == [3, 1]


def test_rollback_to_a_damaged_model_keeps_the_champion(root):
    for text, errors in [("first", 9), ("second", 7)]:
        retrain(root, text, errors)
    registry = open_registry(root)
    first = registry.with_lineage(lineage_digest(candidate(root, "first", 9).lineage))
    registry.model_path(first).write_text("other")
    with pytest.raises(InputError, match="model of two-node-0-1 version 1, is missing or is not"):
        registry.rollback()
    assert champion_of(root) == (2, "second")


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"evil model")])
def test_a_damaged_model_is_not_handed_out(root, damage):
    retrain(root, "first", errors=5)
    registry = open_registry(root)
    champion = registry.champion()
    damage(registry.model_path(champion))
    with pytest.raises(InputError, match="is missing or is not what was registered"):
        registry.model_path(champion)


def test_a_candidate_that_changed_is_not_registered(root):
    described = candidate(root, "first", errors=5)
    for path, name in ((described.network, r"first\.keras"), (described.model, r"first\.onnx")):
        path.write_text("changed")
        with pytest.raises(InputError, match=f"{name} is not what was stored"):
            open_registry(root).register(described)
    assert open_registry(root).challenger() is None


def test_a_registry_may_move(root):
    retrain(root, "first", errors=5)
    moved = root.rename(root.with_name("a place elsewhere é"))
    assert champion_of(moved) == (1, "first")
    retrain(moved, "second", errors=3)
    assert champion_of(moved) == (2, "second")
    assert [version.number for version in open_registry(moved).rollback()] == [2, 1]
    assert not root.exists()


def test_a_model_is_fetched_from_where_mlflow_keeps_it(root, tmp_path):
    """What a registry elsewhere does: the store that asks has no copy yet."""
    retrain(root, "first", errors=5)
    elsewhere = Registry(Store(tmp_path / "b"), f"sqlite:///{root}/registry/mlflow.db", NAME)
    path = elsewhere.model_path(elsewhere.champion())
    assert path.is_relative_to(tmp_path / "b")
    assert text_of(path) == "first"


def test_a_version_that_somebody_else_registered_is_named(root):
    registry = open_registry(root)
    assert registry.champion() is None
    client = client_of(root)
    client.create_registered_model(NAME)
    client.create_model_version(NAME, source="/elsewhere")
    client.set_registered_model_alias(NAME, "champion", "1")
    with pytest.raises(InputError, match="Version 1 of two-node-0-1 was not registered by this"):
        registry.champion()


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/mlruns", "ftp://somewhere"])
def test_an_address_that_is_no_registry_is_named(tmp_path, uri):
    with pytest.raises(InputError, match="give the address of an MLflow server"):
        Registry(Store(tmp_path), uri, NAME).champion()


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(InputError, match=r"registry http://127\.0\.0\.1:1 cannot be used") as error:
        Registry(Store(tmp_path), "http://me:secret@127.0.0.1:1", NAME).champion()
    assert "secret" not in str(error.value)


def test_the_status_of_an_empty_registry_is_one_sentence(root):
    assert describe_registry(open_registry(root)) == (
        "There is no model in the registry of two-node-0-1 yet."
    )


def test_the_status_says_who_and_why(root):
    for text, errors in [("first", 9), ("second", 7)]:
        retrain(root, text, errors)
    registry = open_registry(root)
    registry.rollback()
    lines = describe_registry(registry).splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["two-node-0-1", "champion", "challenger"],
        ["version", "1", "2"],
    ]
    assert [line.split() for line in lines[4:7]] == [
        ["accuracy", "0.98714", "0.99"],
        ["errors", "9", "7"],
        ["images", "700", "700"],
    ]
    assert lines[8].startswith("Champion: Rolled back from version 2. (")
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", lines[8])
    assert lines[10].startswith(
        "Challenger: Promoted: errors went from 90 to 70 of 700 held-out images, and nothing is "
        "shown to be worse. (against version 1) Rolled back from version 2. ("
    )
    assert [re.split("  +", line) for line in lines[12:14]] == [
        ["passed", "criterion", "champion", "challenger", "bound"],
        ["yes", "learned, 1 or 0", "1", "1", "1"],
    ]
    assert {line[6:8] for line in lines[12:-2]} == {"  "}
    assert all(line[8] != " " for line in lines[12:-2])
    assert lines[-1] == "Challengers judged against a champion: 1"


@pytest.mark.parametrize(
    ("hours", "cron", "is_late"),
    [
        (50, "0 3 * * *", True),
        (20, "0 3 * * *", None),  # it depends on the time of day
        (2, "* * * * *", False),  # due for less than three hours
        (4, "* * * * *", True),
        (500, "", False),
        (500, "no schedule", False),
    ],
)
def test_the_status_says_when_the_last_retraining_ended_and_warns_if_another_is_late(
    tmp_path, hours, cron, is_late
):
    store, now = Store(tmp_path), datetime.now(UTC)
    assert describe_schedule(store) == "No retraining has ended well here yet."
    ended = now - timedelta(hours=hours)
    store.write("ended/RetrainConfig", str(ended).encode())
    store.write("schedule", cron.encode())
    said, *warning = describe_schedule(store).splitlines()
    assert said == f"The last retraining ended well at {ended:%Y-%m-%d %H:%M} UTC."
    if is_late is None:
        at_three = ended.replace(hour=3, minute=0, second=0, microsecond=0)
        due = at_three if at_three > ended else at_three + timedelta(days=1)
        is_late = now - due > timedelta(hours=3)
    assert bool(warning) == is_late
    if warning:
        assert re.fullmatch(
            rf"Warning: the schedule, {re.escape(cron)}, asked for another at \S+ \d\d:\d\d UTC, "
            r"and none has ended well since: does flows/serve.py run, and did the last run fail\?",
            warning[0],
        )


@pytest.mark.parametrize("damaged", [b"", b"yesterday", b"2026-01-01", bytes(range(256))])
def test_a_damaged_note_of_the_last_retraining_is_as_none(tmp_path, damaged):
    store = Store(tmp_path)
    store.write("ended/RetrainConfig", damaged)
    store.write("schedule", b"0 3 * * *")
    assert "Warning" not in describe_schedule(store)


def test_a_challenger_that_was_never_judged_is_registered_once(root):
    registry, described = open_registry(root), candidate(root, "first", errors=5)
    registered = registry.register(described)
    assert registry.register(described) == registered
    assert registry.with_lineage(lineage_digest(described.lineage)) is None
    assert "Challenger: Not judged yet" in describe_registry(registry)
    assert "There is no champion of two-node-0-1 yet." in describe_registry(registry)


def test_of_what_was_never_judged_only_the_same_whole_model_is_resumed(root):
    registry, described = open_registry(root), candidate(root, "first", errors=5)
    first = registry.register(described)
    other = replace(candidate(root, "other", errors=5), lineage=described.lineage)
    assert registry.register(other).number == 2
    assert registry.register(described).number == 1
    assert registry.challenger().number == 1
    registry.model_path(first).write_text("damaged")
    assert registry.register(described).number == 3


NO_MODEL = f"There is no model in the registry of {NAME} yet."
NONE_YET = "error: there is no champion yet; run `python flows/retrain.py`\n"


@pytest.mark.parametrize(
    ("command", "named", "code", "sentence"),
    [
        ("status", (), 2, NONE_YET),
        (
            "status",
            ("--classes", "0,1"),
            0,
            f"{NO_MODEL}\n\nNo retraining has ended well here yet.\n",
        ),
        ("predict", (), 2, NONE_YET),
        ("predict", ("--model", NAME), 2, NONE_YET.replace("champion", f"champion of {NAME}")),
    ],
)
def test_who_only_reads_makes_nothing(tmp_path, capsys, command, named, code, sentence):
    assert code_of(command, tmp_path / "artifacts", *named) == code
    assert "".join(capsys.readouterr()) == sentence
    assert not any(tmp_path.iterdir())


def code_of(command: str, root: Path, *named: str) -> int:
    """The exit code of a command that only reads, called as its script calls it."""
    settings, call, argument = {
        "status": (RetrainCommand, act, "status"),
        "predict": (PredictConfig, label_with_champion, "image.png"),
    }[command]
    return run_command(
        "flows/a.py", "", settings, call, [argument, "--artifacts", str(root), *named]
    )


def lead_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("gone.db")


def write_elsewhere(path: Path) -> None:
    """A database of somebody else."""
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE books (title)")


def wipe_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 4 : len(content) // 2] = bytes(len(content) // 4)
    path.write_bytes(content)


DAMAGES = [
    (Path.unlink, r"is missing, but there are models in \S+/registry/files"),
    (lambda path: path.write_bytes(b""), "is empty"),
    (lead_nowhere, r"is missing: \S+/mlflow\.db is a link to nothing"),
    (lambda path: path.write_bytes(b"text" * 5000), r"is damaged or is another file \(file is not"),
    (write_elsewhere, r"is damaged or is another file \(no such table: registered_models\)"),
    (lambda path: os.truncate(path, 200_000), r"is damaged or is another file \(database disk"),
    (wipe_the_middle, "is damaged "),
]


@pytest.mark.parametrize(("damage", "flaw"), DAMAGES, ids=lambda value: str(value)[:20])
def test_a_lost_database_is_named_and_nothing_is_made_in_its_place(
    one_champion, tmp_path, capsys, damage, flaw
):
    root = shutil.copytree(one_champion, tmp_path / "artifacts")
    damage(root / "registry" / "mlflow.db")
    before = contents(root)
    assert [code_of(command, root) for command in ("status", "predict")] == [2, 2]
    said = capsys.readouterr().err.splitlines()
    with pytest.raises(InputError) as error:
        open_registry(root).prepare()
    assert said == [f"error: {error.value}"] * 2
    assert re.fullmatch(
        rf"\S+/registry/mlflow\.db, the database of the model registry, {flaw}[^;]*; put it back "
        r"from a backup, name another with --registry, or move the folder \S+/registry away to "
        "begin anew",
        str(error.value),
    )
    assert contents(root) == before


def test_a_database_in_use_is_not_called_damaged(one_champion):
    address = f"sqlite:///{one_champion}/registry/mlflow.db"
    with closing(sqlite3.connect(address.removeprefix("sqlite:///"))) as database:
        database.execute("BEGIN EXCLUSIVE")
        assert connection.address(Store(one_champion)) == address


def contents(root: Path) -> dict[str, bytes | None]:
    """All there is below a folder, with what is in it."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
    }


def test_a_folder_that_is_a_link_to_nothing_is_no_new_registry(one_champion, tmp_path):
    root = shutil.copytree(one_champion, tmp_path / "artifacts")
    (root / "registry").rename(tmp_path / "disk")
    (root / "registry").symlink_to(tmp_path / "disk")
    assert champion_of(root) == (1, "first")
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    with pytest.raises(InputError, match=r"missing: \S+/registry is a link to nothing; put it"):
        open_registry(root).champion()
    assert not (tmp_path / "disk").exists()


def test_moved_away_as_the_sentence_says_a_registry_begins_anew(one_champion, tmp_path):
    root = shutil.copytree(one_champion, tmp_path / "artifacts")
    (root / "registry" / "mlflow.db").unlink()
    (root / "registry").rename(tmp_path / "away")
    retrain(root, "second", errors=9)
    assert champion_of(root) == (1, "second")


def test_of_two_that_begin_a_registry_neither_replaces_the_others(tmp_path):
    """The lock keeps retrainings apart; here two meet without it, and the slower comes second."""
    root = tmp_path / "artifacts"
    root.mkdir()
    context = forkserver()
    ours, theirs = context.Pipe()
    process = context.Process(target=begin_slowly, args=(root, theirs))
    process.start()
    theirs.close()  # so that its death is seen here
    assert ours.recv() == "has a database to put into place"
    retrain(root, "first", errors=5)
    ours.send("go on")
    process.join()
    assert process.exitcode == 0
    assert champion_of(root) == (2, "second")
    assert open_registry(root).champion().predecessors == (1,)


def begin_slowly(root: Path, pipe: Connection) -> None:
    def wait() -> None:
        pipe.send("has a database to put into place")
        pipe.recv()

    call_after_migration(wait)
    retrain(root, "second", errors=3)


def begin_until_killed(root: Path, point: int) -> None:
    """SIGKILL after the database was made, or after it was put into place."""
    reached = count()

    def kill(*_: object) -> None:
        if next(reached) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    call_after_migration(kill)
    link = os.link
    os.link = lambda *paths: kill(link(*paths))
    open_registry(root).prepare()


def call_after_migration(call: Callable[[], None]) -> None:
    migrate = connection._migrate
    connection._migrate = lambda path: (migrate(path), call())


def test_a_kill_while_a_registry_begins_leaves_a_whole_one_or_none(exit_code, tmp_path):
    (tmp_path / "start").mkdir()
    seen = []
    for root in states_of_the_killed(exit_code, begin_until_killed, tmp_path / "start", tmp_path):
        seen.append((root / "registry" / "mlflow.db").exists())
        assert describe_registry(open_registry(root)).startswith(
            "There is no model in the registry"
        )
        retrain(root, "first", errors=5)
        assert champion_of(root) == (1, "first")
    assert seen == [False, True, True]


def retrain_until_killed(root: Path, point: int) -> None:
    kill_at(point)
    retrain(root, "second", errors=3)


def rollback_until_killed(root: Path, point: int) -> None:
    kill_at(point)
    open_registry(root).rollback()


def kill_at(point: int) -> None:
    """SIGKILL before the n-th of all calls that write and of all changes yet to be committed."""
    from mlflow import MlflowClient
    from sqlalchemy import Engine, event

    counter = count()

    def reach() -> None:
        if next(counter) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def reaching(call):
        def killed_or_called(*args, **kwargs):
            reach()
            return call(*args, **kwargs)

        return killed_or_called

    for name in CALLS:
        setattr(MlflowClient, name, reaching(getattr(MlflowClient, name)))

    @event.listens_for(Engine, "after_cursor_execute")
    def _executed(connection, cursor, statement, *rest):
        is_of_an_alias = "registered_model_aliases" in statement
        if is_of_an_alias and statement.startswith(("INSERT", "UPDATE", "DELETE")):
            reach()


ExitCode = Callable[[Callable[[Path, int], None], Path, int], int]


@pytest.fixture(scope="module")
def exit_code(one_champion: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExitCode]:
    """That of a new process in which a target is called, which begins with no registry open."""
    context = forkserver()
    ours, theirs = context.Pipe()
    scratch = shutil.copytree(one_champion, tmp_path_factory.mktemp("registry") / "scratch")
    process = context.Process(target=fork_on_demand, args=(theirs, scratch))
    process.start()
    theirs.close()

    def ask(target: Callable[[Path, int], None], root: Path, point: int) -> int:
        ours.send((target, root, point))
        return ours.recv()

    yield ask
    ours.close()
    process.join()


def fork_on_demand(pipe: Connection, scratch: Path) -> None:
    """What MLflow and SQLAlchemy prepare at their first use takes longer than a use."""
    retrain(scratch, "second", errors=3)
    with suppress(EOFError):
        while True:
            target, root, point = pipe.recv()
            pid = os.fork()
            if pid == 0:
                target(root, point)
                os._exit(0)
            pipe.send(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def states_of_the_killed(exit_code: ExitCode, target, start: Path, folder: Path):
    """The artifacts folder after a kill at each point in turn, until one is never reached."""
    for point in count():
        root = shutil.copytree(start, folder / str(point))
        code = exit_code(target, root, point)
        assert code in (0, -signal.SIGKILL)
        yield root
        if code == 0:
            return


def test_a_kill_at_any_point_leaves_one_whole_champion_and_the_next_run_goes_on(
    exit_code, one_champion, tmp_path
):
    seen, ends = [], set()
    for root in states_of_the_killed(exit_code, retrain_until_killed, one_champion, tmp_path):
        seen.append(champion_of(root))
        retrain(root, "second", errors=3)
        assert champion_of(root) == (2, "second")
        assert open_registry(root).champion().predecessors == (1,)
        assert open_registry(root).challenger().number == 2
        assert versions(root) == {1: "FINISHED", 2: "FINISHED"}
        ends |= ends_of_runs(root)
    assert len(seen) > 17
    assert ends == {"FINISHED", "KILLED"}
    assert seen == [(1, "first")] * (len(seen) - 1) + [(2, "second")]


def test_a_kill_at_any_point_of_a_rollback_leaves_one_whole_champion(
    exit_code, one_champion, tmp_path
):
    start = shutil.copytree(one_champion, tmp_path / "start")
    retrain(start, "second", errors=3)
    seen = []
    for root in states_of_the_killed(exit_code, rollback_until_killed, start, tmp_path):
        seen.append(champion_of(root))
        if seen[-1] == (2, "second"):
            open_registry(root).rollback()
        assert champion_of(root) == (1, "first")
    assert seen == [(2, "second")] * 4 + [(1, "first")]


def test_mlflow_says_nothing_to_anyone_and_leaves_nothing_where_we_are(tmp_path):
    """A process that is neither a test's nor a build's, in which MLflow would report its use."""
    code = f"""
from pathlib import Path
from tasks.registry.registry import Registry
from tasks.storage.store import Store
import sys
assert "mlflow" not in sys.modules
Registry(Store(Path("store")), None, "{NAME}").prepare()
import mlflow.telemetry
assert mlflow.telemetry.get_telemetry_client() is None
"""
    known = ("PATH", "HOME", "PREFECT_HOME", "VIRTUAL_ENV")
    environment = {key: os.environ[key] for key in known if key in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_full_disk_leaves_the_champion_and_later_the_challenger_wins(one_champion, tmp_path):
    root = shutil.copytree(one_champion, tmp_path / "artifacts")
    place = re.escape(f"for {root}/registry/mlflow.db")
    with small_files(5_000), pytest.raises(DiskError, match=f"^no space left on /.* {place}"):
        retrain(root, "second", errors=1)
    assert champion_of(root) == (1, "first")
    retrain(root, "second", errors=1)
    assert champion_of(root)[1] == "second"


def test_the_champion_is_read_from_the_database_as_mlflow_reads_it(root, monkeypatch):
    retrain(root, "first", errors=5)
    registry = open_registry(root)
    assert registry.champion() == registry._version(1)
    with closing(sqlite3.connect(root / "registry/mlflow.db")) as opened:
        opened.execute("ALTER TABLE registered_model_aliases RENAME TO others")
    with pytest.raises(InputError, match=r"mlflow\.db cannot be used: no such table"):
        registry.champion()


def test_of_two_that_judge_at_once_the_second_says_so_and_judges_anew(root):
    retrain(root, "first", errors=5)
    ours, theirs = open_registry(root), open_registry(root)
    opponent = ours.champion()
    version = ours.register(candidate(root, "ours", 3))
    retrain(root, "theirs", errors=2)
    decision = judge(opponent, errors=3, look=2)
    assert decision.promoted
    with pytest.raises(InputError) as raised:
        ours.record(version, decision, opponent, "")
    assert str(raised.value) == (
        "version 3 of two-node-0-1 became champion while version 2 was judged; run the retraining "
        "again, which judges it anew"
    )
    assert champion_of(root) == (3, "theirs")
    assert ours.register(candidate(root, "ours", 3)).number == 2
    assert not judge(theirs.champion(), errors=3, look=3).promoted
