import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from tasks.data.idx import IDX_NAMES
from tasks.data.mnist import SECONDS_TO_ANSWER
from tasks.data.read import find_source, read_source
from tasks.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my digits"
    folder.mkdir()
    for count, name in enumerate(IDX_NAMES):
        (folder / f"{name}.gz").write_bytes(b"abcd"[count : count + 1])
    return folder


def test_a_folder(folder):
    source = find_source(str(folder), seed=5)

    assert (source.format, source.name, source.location) == ("idx", "my digits", str(folder))
    assert source.sha256 == hashlib.sha256(b"abcd").hexdigest()
    assert (source.seed, source.notice) == (0, "")


def test_a_relative_path_from_any_folder(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)

    assert find_source("my digits", 5) == find_source(str(folder), 5)


def test_an_npz_file(tmp_path):
    (tmp_path / "m.npz").write_bytes(b"abc")

    source = find_source(str(tmp_path / "m.npz"), seed=5)

    assert (source.format, source.name) == ("npz", "m.npz")
    assert source.location == str(tmp_path / "m.npz")
    assert source.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert source.seed == 0


def test_digits():
    source = find_source("digits", 5)

    assert (source.format, source.seed, source.notice) == ("digits", 5, "")


@pytest.mark.parametrize(("dataset", "patient"), [("mnist", True), ("auto", False)])
def test_mnist_where_it_is_to_be_had(folder, dataset, patient, monkeypatch):
    asked = []

    def mnist(patient: bool) -> Path:
        asked.append(patient)
        return folder

    monkeypatch.setattr("tasks.data.read.find_mnist", mnist)
    source = find_source(dataset, 5)

    assert asked == [patient]
    assert (source.format, source.name, source.location) == ("idx", "MNIST", str(folder))
    assert (source.seed, source.notice) == (0, "")


def no_mnist(_: bool) -> Path:
    raise InputError("MNIST is nowhere; give --dataset PATH")


def test_auto_falls_back_to_digits_and_says_so(monkeypatch):
    monkeypatch.setattr("tasks.data.read.find_mnist", no_mnist)
    source = find_source("auto", 5)

    assert (source.format, source.seed) == ("digits", 5)
    assert source.sha256 == find_source("digits", 5).sha256
    assert source.notice == (
        "scikit-learn's small digits stand in for MNIST: MNIST is nowhere; give --dataset PATH"
    )


def test_mnist_does_not_fall_back(monkeypatch):
    monkeypatch.setattr("tasks.data.read.find_mnist", no_mnist)
    with pytest.raises(InputError, match="MNIST is nowhere"):
        find_source("mnist", 5)


def test_auto_decides_within_15_seconds():
    assert SECONDS_TO_ANSWER <= 10


def test_names_a_path_that_does_not_exist(tmp_path):
    with pytest.raises(InputError, match=f"the data set {tmp_path}/none does not exist; give auto"):
        find_source(f"{tmp_path}/none", 5)


def test_names_the_file_that_a_folder_lacks(folder):
    (folder / "train-labels-idx1-ubyte.gz").unlink()

    with pytest.raises(InputError, match=f"{folder} has no file train-labels-idx1-ubyte"):
        find_source(str(folder), 5)


def test_names_a_file_of_another_kind(tmp_path):
    (tmp_path / "m.txt").write_bytes(b"")

    with pytest.raises(
        InputError, match=f"the data set {tmp_path}/m.txt is none of these: a folder"
    ):
        find_source(f"{tmp_path}/m.txt", 5)


@pytest.mark.parametrize("dataset", ["~nobody-of-this-name/m.npz", "x" * 5000])
def test_names_a_path_that_cannot_be_read(dataset):
    with pytest.raises(
        InputError, match=f"the data set .*{dataset} (cannot be read|does not exist)"
    ):
        find_source(dataset, 5)


def write_idx(folder: Path, labels: bytes) -> None:
    count = len(labels)
    images = struct.pack(">IIII", 2051, count, 28, 28) + bytes(784 * count)
    contents = [images, struct.pack(">II", 2049, count) + labels] * 2
    for name, content in zip(IDX_NAMES, contents, strict=True):
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))


def test_what_is_found_can_be_read(folder):
    write_idx(folder, b"\x03\x09")

    images = read_source(find_source(str(folder), 5))

    np.testing.assert_array_equal(images.test_images, np.zeros((2, 28, 28), np.uint8))
    assert images.test_labels.tolist() == [0, 1]
    assert images.classes == (3, 9)


def test_refuses_files_that_changed_since_they_were_found(folder):
    write_idx(folder, b"\x03\x09")
    source = find_source(str(folder), 5)
    write_idx(folder, b"\x03\x08")

    with pytest.raises(InputError, match=f"{folder} changed while it was used"):
        read_source(source)
