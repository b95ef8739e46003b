"""What a stage computes of the splits of a data set is stored, logged and referred to."""

import logging

import numpy as np
import pytest

from tasks.data import splits
from tasks.data.splits import store_split, transform
from tasks.schemas.references import Dataset
from tasks.storage.store import Store


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    store = Store(tmp_path)
    monkeypatch.setattr(splits, "current_store", lambda: store)
    monkeypatch.setattr(splits, "get_run_logger", lambda: logging.getLogger("splits"))
    return store


@pytest.fixture
def dataset(store) -> Dataset:
    return Dataset(
        train=store_split("train", np.array([[1, 2], [3, 4], [5, 6]]), np.array([0, 1, 2])),
        test=store_split("test", np.array([[7, 8]]), np.array([1])),
    )


def test_new_labels_leave_the_inputs_as_they_are(store, dataset, caplog):
    with caplog.at_level(logging.INFO):
        doubled = transform(dataset, "doubled", lambda split: {"labels": 2 * split.labels})
    assert store.array(doubled.train.labels).tolist() == [0, 2, 4]
    assert store.array(doubled.test.labels).tolist() == [2]
    assert doubled.train.inputs == dataset.train.inputs
    assert doubled.test.inputs == dataset.test.inputs
    assert caplog.messages == ["y_train (3,) -> (3,); y_test (1,) -> (1,)"]


def test_new_inputs_and_labels_are_stored_under_their_names(store, dataset, caplog):
    with caplog.at_level(logging.INFO):
        first = transform(
            dataset,
            "first",
            lambda split: {"inputs": split.inputs[:1], "labels": split.labels[:1]},
        )
    assert store.array(first.train.inputs).tolist() == [[1, 2]]
    assert store.array(first.test.labels).tolist() == [1]
    assert first.train.inputs.path.startswith("arrays/train-first-inputs-")
    assert first.test.labels.path.startswith("arrays/test-first-labels-")
    assert caplog.messages == [
        "x_train (3, 2) -> (1, 2); y_train (3,) -> (1,); x_test (1, 2) -> (1, 2); "
        "y_test (1,) -> (1,)"
    ]


def test_a_transform_cannot_change_its_split(dataset):
    def spoil(split):
        split.inputs[:] = 0

    with pytest.raises(ValueError, match="read-only"):
        transform(dataset, "spoiled", spoil)
