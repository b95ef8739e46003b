"""Near duplicates are found, and nothing else."""

import numpy as np
import pytest
from conftest import squares

from tasks.data.near import near_duplicates

IMAGES, _ = squares(40, seed=1)
OTHERS, _ = squares(40, seed=2)
EACH = list(range(40))


@pytest.mark.parametrize("down", [-1, 0, 1])
@pytest.mark.parametrize("right", [-1, 0, 1])
def test_an_image_that_is_shifted_by_a_pixel_is_found(down, right):
    shifted = np.roll(IMAGES, (down, right), axis=(1, 2))
    assert near_duplicates(shifted, IMAGES).tolist() == EACH


def test_an_image_with_a_few_grey_levels_changed_is_found():
    noise = np.random.default_rng(0).integers(-3, 4, IMAGES.shape)
    noisy = np.clip(IMAGES.astype(int) + noise, 0, 255).astype(np.uint8)
    assert near_duplicates(noisy, IMAGES).tolist() == EACH
    assert near_duplicates(IMAGES // 2 + 40, IMAGES).tolist() == EACH


def test_other_images_of_the_same_class_are_none_nor_is_an_image_its_own():
    assert near_duplicates(OTHERS, IMAGES).tolist() == [-1] * 40
    assert near_duplicates(IMAGES, IMAGES).tolist() == [-1] * 40
    assert near_duplicates(np.roll(IMAGES, 2, axis=1), IMAGES).tolist() == [-1] * 40
    twice = np.concatenate([IMAGES[:2], IMAGES[:2] + 1])
    assert near_duplicates(twice, twice).tolist() == [2, 3, 0, 1]


def test_colours_count():
    colours = np.stack([IMAGES, OTHERS, IMAGES[::-1]], axis=3)
    assert near_duplicates(np.roll(colours, 1, axis=1), colours).tolist() == EACH
    assert near_duplicates(colours[..., ::-1], colours).tolist() == [-1] * 40


def test_small_images_and_none_at_all():
    small = IMAGES[:, 4:12, 4:12]
    assert near_duplicates(small[:3], small[:0]).tolist() == [-1] * 3
    assert near_duplicates(small[:0], small).tolist() == []
    assert near_duplicates(np.zeros((1, 8, 8), np.uint8), small)[0] == -1
