"""Where no Prefect server is set: what is stored is read without it, and what would run is told."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.config import Config
from flows.main import main
from flows.run import server_is_set
from tasks.storage import source, stages
from tasks.storage.execution import Row

ROOT = Path(__file__).parents[2]
HEAVY = ("prefect", "tensorflow", "keras", "mlflow", "pandas", "sklearn", "matplotlib")


@pytest.fixture
def ran(tiny_config: Config, tiny_run: Path) -> Config:
    """The shrunken experiment, of which all is stored."""
    shutil.copytree(tiny_run, tiny_config.artifacts, symlinks=True)
    return tiny_config


def say(script: str, *arguments: str) -> str:
    """What a command says, with all that it imports."""
    unset = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    finished = subprocess.run(
        [sys.executable, "-X", "importtime", f"flows/{script}.py", *arguments],
        cwd=ROOT,
        env=unset | {"PREFECT_HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = finished.stdout + finished.stderr
    assert finished.returncode == 0, said[-500:]
    return said


def imported(said: str) -> set[str]:
    return set(re.findall(r"^import time:.*\| +(\w+)$", said, re.MULTILINE))


def options(config: Config) -> list[str]:
    """What is typed for a configuration."""
    told = config.filled_form()
    typed = {name.replace("_", "-"): told[name] for name in config.model_fields_set}
    return [
        f"--{'' if value else 'no-'}{name}" if isinstance(value, bool) else f"--{name}={value}"
        for name, value in typed.items()
    ]


def states(artifacts: str) -> list[tuple[str, str]]:
    """How each stage ended in the last run, in order."""
    metrics = json.loads((Path(artifacts) / "reports" / "latest" / "metrics.json").read_text())
    return [(task["task"], task["state"]) for task in metrics["tasks"]]


def test_an_experiment_of_which_all_is_stored_needs_neither_prefect_nor_tensorflow(ran):
    said = say("main", *options(ran))
    assert imported(said).isdisjoint(HEAVY)
    assert {state for _, state in states(ran.artifacts)} == {"Cached"}
    report = (Path(ran.artifacts) / "reports" / "latest").resolve() / "report.html"
    assert f"Report: {report.as_uri()}" in said


@pytest.mark.usefixtures("prefect_server")
def test_prefect_finds_cached_what_a_run_without_it_computed_and_the_other_way_round(
    tiny_config, monkeypatch
):
    assert server_is_set()
    monkeypatch.setattr("flows.run.server_is_set", lambda: False)
    main(tiny_config)
    assert {state for _, state in states(tiny_config.artifacts)} == {"Completed"}
    monkeypatch.undo()
    changed = tiny_config.model_copy(update={"head_epochs": 1})
    main(changed)
    ended = dict(states(changed.artifacts))
    assert [ended[name] for name in ("train-base", "transfer-one-node")] == ["Cached", "Completed"]
    monkeypatch.setattr("flows.run.server_is_set", lambda: False)
    main(changed)
    assert {state for _, state in states(changed.artifacts)} == {"Cached"}


MUTATIONS: dict[str, Callable[[Config], Config]] = {
    "nothing": lambda config: config,
    "head epochs": lambda config: config.model_copy(update={"head_epochs": 1}),
    "own images lost": lambda config: config.model_copy(update={"refuse_own": 0.05}),
    "classes": lambda config: config.model_copy(update={"classes": (3, 5)}),
    "folds": lambda config: config.model_copy(update={"folds": 2}),
    "refresh": lambda config: config.model_copy(update={"refresh": True}),
    "images that two stages refer to": lambda config: spoil(config, "arrays", "train-inputs*"),
    "a record of data": lambda config: spoil(config, "records", "*", '"filter"'),
    "a record of a model": lambda config: spoil(config, "records", "*", '"train-base"'),
    "a record of scores": lambda config: spoil(config, "records", "*", '"evaluate"'),
    "features": lambda config: spoil(config, "arrays", "train-features-inputs*"),
    "a head": lambda config: spoil(config, "models", "two-node*"),
}


def spoil(config: Config, folder: str, pattern: str, content: str = "") -> Config:
    paths = sorted((Path(config.artifacts) / folder).glob(pattern))
    next(path for path in paths if content.encode() in path.read_bytes()).write_bytes(b"others")
    return config


def explain_and_run(config: Config) -> list[tuple[Row, tuple[str, str]]]:
    """What was said of each stage, up to one of which nothing is known, and what became of it."""
    rows = [row for row in main.explain(config) if row.stage != "report"]
    main(config)
    return list(zip(rows, states(config.artifacts), strict=False))


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_what_is_explained_is_what_then_happens(mutation, ran):
    told = explain_and_run(MUTATIONS[mutation](ran))
    for row, (stage, state) in told:
        assert row.stage.startswith(stage)
        assert row.fate == "may run" or (state == "Completed") == (row.fate == "runs"), row
    assert (mutation == "nothing") == all(row.fate == "cached" for row, _ in told)


def test_that_a_record_is_damaged_is_logged(ran, caplog):
    spoil(ran, "records", "*", '"train-base"')
    said = next(row for row in main.explain(ran) if row.fate == "runs")
    with caplog.at_level("INFO", "digit-transfer"):
        main(ran)
    assert said.reason.endswith("is not what was stored")
    assert f"runs: {said.reason}" in caplog.messages


def test_an_edited_module_is_the_reason(ran, monkeypatch):
    before = source.source_digests
    edited = {"tasks/networks/losses.py": "edited"}

    def changed(module: str) -> dict[str, str]:
        return {name: edited.get(name, digest) for name, digest in before(module).items()}

    monkeypatch.setattr(stages, "source_digests", changed)
    told = {row.stage: row for row in main.explain(ran)}
    said = "tasks/networks/losses.py was edited"
    assert told["train-base tuned"] == Row("train-base tuned", "runs", said)
    assert told["filter"] == Row("filter", "cached")
    sure = ("may run", "if train-base tuned comes out otherwise")
    assert told["extract-features tuned"][1:] == sure


def test_a_reason_is_of_the_setting_and_is_logged_in_the_same_words(ran, capsys):
    changed = ran.model_copy(update={"head_epochs": 1})
    (row,) = [row for row in main.explain(changed) if row.stage.startswith("transfer-two")]
    assert row.reason == "training.epochs 2 -> 1"
    said = say("main", *options(changed))
    assert re.search(r"^transfer-two-node tuned +runs: training\.epochs 2 -> 1$", said, re.M)


def test_what_never_ran_is_said_and_nothing_is_made(tiny_config):
    said = say("main", *options(tiny_config), "--explain")
    assert re.search(r"^runs +load +no result of it is stored here$", said, re.MULTILINE)
    assert imported(said).isdisjoint(HEAVY)
    assert not Path(tiny_config.artifacts).exists()
