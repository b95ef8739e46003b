"""Workers that die, that are begun again, and that fail.

Each worker imports this module, and so nothing that takes long.
"""

import importlib
import os
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from commands import forked_process

from tasks.errors import InputError, WorkerError
from tasks.networks.recipe import Training
from tasks.schemas.references import ArrayReference, Dataset, Split
from tasks.storage.store import Store
from tasks.trials.processes import run_on_processes, submit
from tasks.trials.trial import Group, Trial, TrialResult, find_all, keep, train_group

TRAINING = Training(
    loss="crossentropy", optimizer="adam", learning_rate=0.001, batch_size=64, epochs=1
)
ARRAY = ArrayReference(path="a", sha256="0", shape=(1,), dtype="uint8")
OTHER = ARRAY.model_copy(update={"sha256": "1"})
SPLIT = Split(inputs=ARRAY, labels=ARRAY)


def group_of(seed: int) -> Group:
    trial = Trial(recipe="tuned", classes=(0, 1), head="two-node", seed=seed)
    return Group(
        trials=(trial,),
        features=Dataset(train=SPLIT, test=SPLIT),
        held_out=ARRAY,
        training=TRAINING,
    )


def result_of(trial: Trial, digest: str = "") -> TrialResult:
    probabilities = np.zeros((3, 2), np.float32)
    return TrialResult(trial=trial, attempts=(), weights_sha256=digest, probabilities=probabilities)


def train(folder: Path, deaths: dict[int, int], group: Group) -> list[TrialResult]:
    """Note the call; kill this process as often as the group's seed is to bring it down."""
    (trial,) = group.trials
    calls = len(list(folder.glob(f"{trial.seed}-*"))) + 1
    (folder / f"{trial.seed}-{calls}").touch()
    if calls <= deaths.get(trial.seed, 0):
        os.kill(os.getpid(), signal.SIGKILL)
    return [result_of(trial)]


def seeds_of(found: list[list[TrialResult]]) -> list[int]:
    return sorted(result.trial.seed for results in found for result in results)


def test_the_death_of_a_worker_costs_its_own_trials_only(tmp_path):
    groups = [group_of(seed) for seed in range(4)]
    found = list(run_on_processes(partial(train, tmp_path, {1: 1}), groups, workers=2))
    assert seeds_of(found) == [0, 1, 2, 3]
    calls = {seed: len(list(tmp_path.glob(f"{seed}-*"))) for seed in range(4)}
    assert calls == {0: 1, 1: 2, 2: 1, 3: 1}


def tell_modules(group: Group) -> list[TrialResult]:
    importlib.import_module("keras")
    loaded = sorted({name.partition(".")[0] for name, module in sys.modules.items() if module})
    return [result_of(group.trials[0], " ".join(loaded))]


def test_a_worker_imports_nothing_big_beside_tensorflow():
    ((result,),) = run_on_processes(tell_modules, [group_of(0)], workers=1)
    loaded = result.weights_sha256.split()
    assert {"keras", "tensorflow"} <= set(loaded)
    assert not {"matplotlib", "pandas", "sklearn", "mlflow"} & set(loaded)


def test_a_group_that_is_begun_again_keeps_what_it_had(tmp_path):
    store = Store(tmp_path)
    labels = (np.arange(200) % 2).astype(np.uint8)
    inputs = np.where(labels[:, None] == 0, [-1.0, 0.5], [1.0, 0.5]).astype(np.float32)
    split = Split(
        inputs=store.add_array("features", inputs), labels=store.add_array("labels", labels)
    )
    training = TRAINING.model_copy(update={"learning_rate": 0.01, "epochs": 2})
    trials = tuple(
        Trial(recipe="tuned", classes=(0, 1), head="two-node", seed=seed) for seed in range(3)
    )
    held_out = store.add_array("held-out", np.arange(200) % 10 == 0)
    group = Group(
        trials=trials,
        features=Dataset(train=split, test=split),
        held_out=held_out,
        training=training,
    )

    worker = forked_process()

    def run(refresh: bool) -> tuple[dict[int, str], dict[str, int]]:
        found = submit(worker, partial(train_group, str(tmp_path), refresh), group).result()
        written = {path.name: path.stat().st_ino for path in (tmp_path / "trials").iterdir()}
        return {result.trial.seed: result.weights_sha256 for result in found}, written

    digests, before = run(refresh=False)
    assert len(set(digests.values())) == len(before) == 3
    lost = min(before)
    (tmp_path / "trials" / lost).rename(tmp_path / "lost")  # whose number no other file gets
    again, after = run(refresh=False)
    assert again == digests
    assert {name for name in after if after[name] != before[name]} == {lost}
    anew, last = run(refresh=True)
    assert anew == digests
    assert {name for name in last if last[name] != after[name]} == set(before)
    worker.shutdown()


@pytest.mark.parametrize(
    "changes",
    [
        {"training": TRAINING.model_copy(update={"epochs": 2})},
        {"features": Dataset(train=SPLIT, test=Split(inputs=OTHER, labels=ARRAY))},
        {"trials": group_of(1).trials},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_trial_is_kept_for_the_same_settings_data_and_seed(tmp_path, changes):
    store, group = Store(tmp_path), group_of(0)
    keep(store, group, result_of(group.trials[0], "w"))
    assert [one.weights_sha256 for one in find_all(store, group).values()] == ["w"]
    assert find_all(store, group.model_copy(update=changes)) == {}


def test_a_trial_that_is_found_counts_as_used_now(tmp_path):
    store, group = Store(tmp_path), group_of(0)
    keep(store, group, result_of(group.trials[0], "w"))
    (kept,) = (tmp_path / "trials").iterdir()
    os.utime(kept, (1, 1))
    find_all(store, group)
    assert kept.stat().st_mtime > 1


@pytest.mark.usefixtures("forked_workers")
def test_trials_that_bring_every_worker_down_end_in_a_sentence(tmp_path):
    with pytest.raises(WorkerError, match=r"^3 worker processes died on the same trials"):
        list(run_on_processes(partial(train, tmp_path, {0: 9}), [group_of(0)], workers=1))
    assert len(list(tmp_path.iterdir())) == 3


def fail(group: Group) -> list[TrialResult]:
    raise InputError("something is wrong with the data")


def test_an_error_of_a_worker_ends_the_study_with_its_sentence():
    with pytest.raises(InputError, match=r"^something is wrong with the data$"):
        list(run_on_processes(fail, [group_of(0), group_of(1)], workers=1))
