import hashlib
import sys
from dataclasses import replace
from subprocess import run

import numpy as np
import pytest

from tasks.data.arrays import Arrays
from tasks.data.digits import digits_source, make_digits
from tasks.data.read import read_source
from tasks.data.source import Images


@pytest.fixture(scope="module")
def digits() -> Images:
    return read_source(digits_source(1))


def sha256(images: Arrays | Images) -> str:
    return hashlib.sha256(images.train_images.tobytes()).hexdigest()


def test_shapes_types_and_range(digits):
    assert digits.train_images.shape == (8622, 28, 28)
    assert digits.test_images.shape == (360, 28, 28)
    assert digits.train_images.dtype == digits.test_images.dtype == np.uint8
    assert digits.train_labels.dtype == digits.test_labels.dtype == np.uint8
    assert (digits.train_images.min(), digits.train_images.max()) == (0, 16)


def test_class_counts(digits):
    train, test = np.bincount(digits.train_labels), np.bincount(digits.test_labels)

    assert train.tolist() == [852, 876, 852, 876, 870, 870, 870, 858, 834, 864]
    assert test.tolist() == [36, 36, 35, 37, 36, 37, 36, 36, 35, 36]


def test_same_seed_same_pixels_other_seed_others(digits):
    assert sha256(make_digits(1)) == sha256(digits)

    other = make_digits(2)
    assert sha256(other) != sha256(digits)
    np.testing.assert_array_equal(other.test_images, digits.test_images)


def test_no_two_images_are_alike(digits):
    images = np.concatenate([digits.train_images, digits.test_images]).reshape(8982, -1)

    assert len(np.unique(images, axis=0)) == 8982


def test_each_original_is_either_trained_or_tested_on(digits):
    from sklearn.datasets import load_digits

    originals = np.bincount(load_digits().target)
    train, test = np.bincount(digits.train_labels), np.bincount(digits.test_labels)

    assert (train // 6 + test).tolist() == originals.tolist()


def test_looks_like_mnist(digits):
    rows, columns = np.indices((28, 28))
    drawn = digits.test_images / digits.test_images.sum((1, 2), keepdims=True)
    centres = np.stack([(drawn * rows).sum((1, 2)), (drawn * columns).sum((1, 2))])
    heights = [np.ptp(np.flatnonzero(image.max(1))) + 1 for image in digits.test_images]

    assert np.abs(centres - 13.5).max() < 1
    assert 19 < np.mean(heights) < 23
    assert 1.6 < digits.test_images.mean() < 2.8


def test_source_is_identified_by_all_that_the_pixels_depend_on(monkeypatch):
    source = digits_source(1)

    assert (source.format, source.name) == ("digits", "scikit-learn digits")
    assert (source.location, source.seed, source.notice) == ("scikit-learn", 1, "")
    assert digits_source(1) == source
    assert digits_source(2) == replace(source, seed=2, sha256=digits_source(2).sha256)
    assert digits_source(2).sha256 != source.sha256
    monkeypatch.setattr("tasks.data.digits.version", lambda name: f"0 of {name}")
    assert digits_source(1).sha256 != source.sha256


def test_identifying_imports_nothing_heavy():
    script = (
        "import sys; from tasks.data.read import find_source; find_source('digits', 1);"
        "print([m for m in ('sklearn', 'scipy', 'httpx', 'keras', 'prefect') if m in sys.modules])"
    )
    shown = run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert shown.stdout == "[]\n"
