"""Pruning: what only old runs needed goes, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flows.cli import run_command
from flows.config import Config, PruneConfig
from flows.main import main
from flows.prune import call, prune
from tasks.arrivals.batch import Part, accepted, read_notes, remember
from tasks.schemas.references import Dataset, Split
from tasks.storage.store import Store, write_checksummed

ROOT = Path(__file__).parents[2]
OLD, NEW = "2026-11-30T03-00-00-aaaaaa", "2026-12-01T03-00-00-bbbbbb"
NOON = 1_780_000_000.0  # long before both


def add_record(store: Store, name: str, *arrays: str, used: float | None = None) -> None:
    """A record of arrays with these names, used at a time or now."""
    found = [store.add_array(one, np.frombuffer(one.encode(), np.uint8)) for one in arrays]
    splits = [Split(inputs=one, labels=one) for one in found]
    dataset = Dataset(train=splits[0], test=splits[-1])
    content = json.dumps(["Dataset", dataset.model_dump(mode="json"), {}]).encode()
    write_checksummed(store, f"records/{name}", content)
    if used is not None:
        for path in (store.root / f"records/{name}", *(store.root / one.path for one in found)):
            os.utime(path, (used, used))


def listing(root: Path) -> set[str]:
    kept = (path for path in root.rglob("*") if path.is_file() and path.parts[-2] != "tmp")
    return {str(path.relative_to(root)).partition("-")[0] for path in kept}


@pytest.fixture
def two_runs(store: Store) -> Store:
    """An old run's records and a new one's, which share an array, and a batch of the old time."""
    add_record(store, "old", "alone", "shared", used=NOON)
    add_record(store, "new", "own", "shared")
    for name in (OLD, NEW):
        (store.root / "reports" / name).mkdir(parents=True)
        (store.root / "reports" / name / "report.html").write_text(name)
    images, labels = np.zeros((2, 4, 4), np.uint8), np.zeros(2, np.uint8)
    remember(store, "monday", "ab", Part("", images, labels, labels > 0, labels), (0, 1))
    for path in (store.root / "arrays").glob("*"):
        os.utime(path, (NOON, NOON))
    return store


def test_what_only_the_old_run_needed_goes(two_runs):
    before = listing(two_runs.root)
    said = prune(two_runs, 1, dry_run=True)
    assert said[0].startswith("records and files: 2, ")
    assert said[1:] == ["files of superseded models: 0, 0.0 MB", "reports: 1, 0.0 MB"]
    assert listing(two_runs.root) == before
    assert prune(two_runs, 1) == said
    assert before - listing(two_runs.root) == {"records/old", "arrays/alone"}
    assert [path.name for path in (two_runs.root / "reports").iterdir()] == [NEW]
    assert [batch.name for batch in accepted(read_notes(two_runs))] == ["monday"]
    assert prune(two_runs, 1) == ["nothing to remove: there are 1 runs, and 1 are kept"]


def test_trials_that_no_kept_study_used_go(two_runs):
    for name in ("old", "new"):
        write_checksummed(two_runs, f"trials/{name}", b"")
    os.utime(two_runs.root / "trials" / "old", (NOON, NOON))
    prune(two_runs, 1)
    assert [path.name for path in (two_runs.root / "trials").iterdir()] == ["new"]


def test_with_more_runs_to_keep_than_there_are_nothing_goes(two_runs):
    before = listing(two_runs.root)
    assert prune(two_runs, 2) == ["nothing to remove: there are 2 runs, and 2 are kept"]
    assert listing(two_runs.root) == before


@pytest.mark.parametrize("moment", range(3))
def test_a_kill_at_any_point_leaves_the_rest_to_the_next(two_runs, monkeypatch, moment):
    whole = Store(two_runs.root.with_name("whole"))
    shutil.copytree(two_runs.root, whole.root)
    prune(whole, 1)
    rename, calls = Path.rename, iter(range(9))

    def killed(path: Path, target: Path) -> Path:
        if next(calls) == moment:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            prune(two_runs, 1)
    assert (two_runs.root / "records" / "new").exists()
    prune(two_runs, 1)
    assert listing(two_runs.root) == listing(whole.root)


def test_a_record_of_a_younger_run_that_is_damaged_removes_nothing_of_its_time(two_runs):
    add_record(two_runs, "damaged", "young")
    (two_runs.root / "records" / "damaged").write_bytes(b"0\n{")
    prune(two_runs, 1)
    assert {"records/damaged", "arrays/young"} <= listing(two_runs.root)


def test_only_a_folder_is_pruned(capsys):
    arguments = ["--artifacts", "memory://bucket/place"]
    assert run_command(PruneConfig.script, "", PruneConfig, call, arguments) == 2
    assert "memory://bucket/place is no folder, and only one is pruned" in capsys.readouterr().err


@pytest.mark.usefixtures("blank_pictures")
def test_a_kept_run_is_still_cached_and_an_old_one_trains_its_heads_again(
    tiny_config: Config, tiny_run: Path, capsys
):
    artifacts = Path(tiny_config.artifacts)
    shutil.copytree(tiny_run, artifacts, symlinks=True)
    (report,) = (one for one in (artifacts / "reports").iterdir() if not one.is_symlink())
    report.rename(report.with_name(OLD))
    (artifacts / "reports" / "latest").unlink()
    for path in artifacts.rglob("*.*"):
        os.utime(path, (NOON, NOON))
    for path in (artifacts / "records").iterdir():
        os.utime(path, (NOON, NOON))
    kept = tiny_config.model_copy(update={"classes": (2, 3, 4), "head_epochs": 1})
    main(kept)
    told = ["--artifacts", str(artifacts), "--keep", "1"]
    assert run_command(PruneConfig.script, "", PruneConfig, call, [*told, "--dry-run"]) == 0
    assert "Nothing was removed: a dry run." in capsys.readouterr().out
    # in a process of its own, which has imported nothing else
    pruned = subprocess.run(
        [sys.executable, PruneConfig.script, *told], capture_output=True, text=True, cwd=ROOT
    )
    assert "reports: 1, " in pruned.stdout, pruned.stderr
    assert len(list((artifacts / "models").glob("base-*.keras"))) <= 2  # with its guard, and alone
    assert not list((artifacts / "models").glob("one-node-*"))
    assert computed(main(kept)) == set()
    again = computed(main(tiny_config))
    assert {"transfer-two-node", "transfer-one-node"} <= again
    assert not {"load", "reshape", "train-base"} & again


def computed(report: Path) -> set[str]:
    tasks = json.loads((report / "metrics.json").read_text())["tasks"]
    return {one["task"] for one in tasks if one["state"] == "Completed"}
