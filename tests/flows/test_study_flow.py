"""A study as a whole, shrunk: the same on any number of workers, continued, and killed."""

import csv
import json
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from commands import Started, finish, forking_workers, stop_at

from flows.config import Config, StudyConfig
from flows.main import main
from flows.study import study
from tasks.errors import InputError
from tasks.storage.store import Store, read_arrays

pytestmark = pytest.mark.usefixtures("forked_workers", "blank_pictures")


def configure(dataset: Path, artifacts: Path, **changes) -> StudyConfig:
    given = {
        "dataset": str(dataset),
        "recipes": ("tuned",),
        "base_epochs": 4,
        "folds": 0,
        "head_epochs": 2,
        "pairs": ((0, 1), (3, 5)),
        "subsets": ((2, 4, 6),),
        "seeds": (0, 1),
        "workers": 1,
        "artifacts": artifacts,
    }
    return StudyConfig(**given | changes)


def trials_of(report: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((report / "trials.csv").read_text().splitlines()))


def kept(artifacts: Path) -> dict[str, tuple[str, list]]:
    """Weights' digest and probabilities of every trial, by the name it is kept under."""
    found = {}
    for path in (artifacts / "trials").iterdir():
        arrays, notes = read_arrays(Store(artifacts), f"trials/{path.name}")
        found[path.name] = (json.loads(notes)["weights_sha256"], arrays[0].tolist())
    return found


@pytest.fixture(scope="module")
def studied(tiny_dataset, tiny_run, tmp_path_factory) -> Path:
    """The artifacts of a study on one process; its base is the tiny run's."""
    artifacts = tmp_path_factory.mktemp("study") / "artifacts"
    shutil.copytree(tiny_run, artifacts, symlinks=True)
    with forking_workers():
        study(configure(tiny_dataset, artifacts))
    return artifacts


@pytest.fixture
def without_trials(studied, tmp_path) -> Path:
    """A copy of these artifacts, in which no head was trained yet."""
    copy = tmp_path / "copy"
    shutil.copytree(studied, copy, symlinks=True, ignore=shutil.ignore_patterns("trials"))
    return copy


def test_every_subset_has_every_head_from_every_seed(studied):
    rows = trials_of(studied / "reports" / "latest-study")
    assert [(row["classes"], row["head"], row["seed"], row["n"]) for row in rows] == [
        (classes, head, seed, n)
        for classes, heads, n in (
            ("0 1", ("two-node", "one-node"), "20"),
            ("3 5", ("two-node", "one-node"), "20"),
            ("2 4 6", ("three-node",), "30"),
        )
        for head in heads
        for seed in ("0", "1")
    ]
    assert {row["errors"] for row in rows} == {"0"}
    assert len({row["weights_sha256"] for row in rows}) == 10


def test_a_trial_is_the_transfer_that_the_experiment_makes(studied, tiny_dataset, tmp_path):
    artifacts = tmp_path / "copy"
    shutil.copytree(studied, artifacts, symlinks=True)
    main(
        Config(
            dataset=str(tiny_dataset),
            recipes=("tuned",),
            base_epochs=4,
            folds=0,
            head_epochs=2,
            classes=(3, 5),
            seed=0,
            label_efficiency=False,
            artifacts=artifacts,
        )
    )
    name = "arrays/two-node-probabilities-*.npy"
    (new,) = {path.name for path in artifacts.glob(name)} - {
        path.name for path in studied.glob(name)
    }
    distances = [
        np.abs(np.array(probabilities) - np.load(artifacts / "arrays" / new)).max()
        for _, probabilities in kept(studied).values()
        if len(probabilities[0]) == 2
    ]
    assert len(distances) == 8
    assert sorted(distances)[0] < 1e-5 < sorted(distances)[1]


def test_two_workers_find_what_one_finds(studied, without_trials, tiny_dataset):
    study(configure(tiny_dataset, without_trials, workers=2))
    assert kept(without_trials) == kept(studied)


def test_more_seeds_and_pairs_and_damaged_trials_are_all_that_is_computed(
    studied, tiny_dataset, tmp_path
):
    artifacts = tmp_path / "copy"
    shutil.copytree(studied, artifacts, symlinks=True)
    first, second, *whole = sorted((artifacts / "trials").iterdir())
    first.write_bytes(first.read_bytes()[:-1])
    second.unlink()
    before = {path: path.stat().st_ino for path in whole}
    more = {"seeds": (0, 1, 2), "pairs": ((0, 1), (3, 5), (7, 8))}
    report = study(configure(tiny_dataset, artifacts, **more))
    assert len(trials_of(report)) == 4 * 3 * 1 + 3 * 2 + 3 * 1
    assert {path: path.stat().st_ino for path in whole} == before
    tasks = json.loads((report / "metrics.json").read_text())["tasks"]
    assert {task["task"] for task in tasks if task["state"] == "Completed"} == {"run-trials"}
    assert kept(artifacts).items() >= kept(studied).items()


def test_a_killed_study_goes_on_where_it_was(studied, without_trials, tiny_dataset):
    process = start(tiny_dataset, without_trials)
    said = stop_at(process, "4 of 10 trials", signal.SIGKILL)
    assert "10 of 10" not in said
    made = len(list((without_trials / "trials").iterdir()))
    assert 4 <= made < 10
    said = finish(start(tiny_dataset, without_trials))
    assert "10 of 10 trials, 0 dead attempts, " in said
    assert "absl::InitializeLog" not in said  # of TensorFlow's import by a worker
    found = re.search(r"(\d+) of 10 trials were made before", said)
    assert found, said
    assert 4 <= int(found[1]) < 10
    assert kept(without_trials) == kept(studied)


def start(dataset: Path, artifacts: Path) -> Started:
    """A study as a user starts it, whose workers are spawned."""
    return Started(
        *("flows/study.py", "--verbose", "--dataset", str(dataset), "--recipes", "tuned"),
        *("--folds", "0", "--base-epochs", "4", "--head-epochs", "2", "--pairs", "0,1", "3,5"),
        *("--subsets", "2,4,6", "--seeds", "0..1", "--workers", "1"),
        *("--artifacts", str(artifacts)),
    )


def test_a_class_without_images_ends_in_a_sentence(tmp_path):
    path = tmp_path / "two.npz"
    images, labels = np.zeros((20, 28, 28), np.uint8), np.arange(20, dtype=np.uint8) % 2
    images[:, 0, 0] = np.arange(20) + 200
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    with pytest.raises(InputError, match=r"^the data have no class 7; there are 0, 1$"):
        study(configure(path, tmp_path / "artifacts", pairs=((0, 7),), subsets=()))
