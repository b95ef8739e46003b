import threading

import pytest

from flows import warm_up
from flows.config import Config


@pytest.fixture
def imported(monkeypatch):
    """The names of modules that were imported ahead."""
    names = []
    monkeypatch.setattr(warm_up, "import_module", names.append)
    return names


def begin(config):
    warm_up.import_ahead(config)
    for thread in threading.enumerate():
        if thread.name == "import-ahead":
            thread.join()


def test_a_run_that_has_to_train_imports_keras_ahead(imported, tmp_path):
    begin(Config(artifacts=tmp_path / "not-made-yet"))
    assert imported == ["keras"]


def test_a_run_that_was_finished_before_does_not(imported, tmp_path):
    warm_up.mark_finished(Config(artifacts=tmp_path, seed=1))
    begin(Config(artifacts=tmp_path, seed=1, wait=3))
    assert imported == []


@pytest.mark.parametrize("change", [{"seed": 2}, {"refresh": True}, {"head_epochs": 7}], ids=str)
def test_another_run_does(imported, tmp_path, change):
    warm_up.mark_finished(Config(artifacts=tmp_path, seed=1))
    begin(Config(artifacts=tmp_path).model_copy(update={"seed": 1} | change))
    assert imported == ["keras"]
