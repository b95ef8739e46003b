"""Prediction sees of each data set's test images what its report was computed from."""

from pathlib import Path

import numpy as np
import pytest
from pictures import draw_letters, save_shapes
from PIL import Image

from tasks.data.read import find_source, read_source
from tasks.data.source import Images, Reading
from tasks.prediction.reading import read_images


def letters(folder: Path) -> Path:
    images, labels = draw_letters(3, seed=0)
    np.savez(folder / "letters.npz", images=images, labels=labels)
    return folder / "letters.npz"


def floats(folder: Path) -> Path:
    images, labels = draw_letters(3, seed=1)
    np.savez(folder / "floats.npz", images=images[..., None] / 255, labels=labels)
    return folder / "floats.npz"


def colours(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 9, 11, 3), dtype=np.uint8)
    np.savez(folder / "colours.npz", x_train=images, y_train=np.arange(20) % 2)
    return folder / "colours.npz"


def shapes(folder: Path) -> Path:
    save_shapes(folder / "shapes", 5, seed=0)
    return folder / "shapes"


def digits(folder: Path) -> str:
    return "digits"


def seen(images: Images, *paths: Path) -> tuple[np.ndarray, set[str]]:
    """What prediction makes of files, and how."""
    parts = list(read_images(paths, images.preparation))
    conversions = {how for part in parts for how in part.conversions}
    return np.concatenate([part.pixels for part in parts]), conversions


@pytest.mark.parametrize("make", [letters, floats, colours, shapes, digits])
def test_test_images_are_seen_as_they_are_from_arrays_and_from_files(make, tmp_path):
    images = read_source(find_source(str(make(tmp_path)), 0))
    test = images.test_images[:500]
    for paths in saved_in_two_ways(test, tmp_path):
        pixels, conversions = seen(images, *paths)
        np.testing.assert_array_equal(pixels, test)
        assert conversions == {"as it is"}


def test_also_those_of_mnist(mnist, tmp_path):
    images = read_source(find_source(str(mnist), 0))
    assert images.preparation.handwriting
    assert images.classes == tuple(range(10))
    test = images.test_images[:500]
    for paths in saved_in_two_ways(test, tmp_path):
        pixels, conversions = seen(images, *paths)
        np.testing.assert_array_equal(pixels, test)
        assert conversions == {"as it is"}


def saved_in_two_ways(test: np.ndarray, folder: Path) -> list[list[Path]]:
    """Images as an array in one file, and as a file each."""
    np.savez(folder / "held-out.npz", images=test)
    for number, image in enumerate(test):
        Image.fromarray(image).save(folder / f"{number:03}.png")
    return [[folder / "held-out.npz"], sorted(folder.glob("[0-9]*.png"))]


def test_the_original_files_are_seen_as_in_training(tmp_path):
    images = read_source(find_source(str(shapes(tmp_path)), 0, Reading(image_size=20)))
    pixels, _ = seen(images, tmp_path / "shapes")
    known = {image.tobytes() for image in (*images.train_images, *images.test_images)}
    assert {image.tobytes() for image in pixels} == known


@pytest.mark.parametrize("make", [letters, colours, shapes])
def test_what_is_no_handwriting_is_not_taken_for_it(make, tmp_path):
    assert not read_source(find_source(str(make(tmp_path)), 0)).preparation.handwriting
