"""Which images may be trained on: literal arrays in, literal reasons out."""

import numpy as np
from conftest import squares
from deliveries import reason

from tasks.arrivals.decode import Decoded, check_bytes, find_faint, pixel_range
from tasks.data.held_out import fingerprints

IMAGES, _ = squares(4, seed=1)


def faint(images, typical_range):
    return find_faint(Decoded(images, np.zeros(len(images), int)), typical_range)


def test_files_that_are_too_large_are_not_read():
    check_bytes(268435456)
    expected = "it has 268435457 bytes where 268435456 are the most"
    assert reason(check_bytes, 268435457) == expected


def test_an_image_with_a_tenth_of_the_usual_contrast_is_enough():
    images = np.zeros((3, 28, 28), np.uint8)
    images[0, 1, 2], images[1, 1, 2], images[2] = 26, 25, 200
    assert pixel_range(images).tolist() == [26, 25, 0]
    assert faint(images[:1], 255.0) == ""
    assert faint(images, 255.0) == (
        "2 of its 3 images are nearly empty or constant, first row 1; the brightest and the "
        "darkest pixel of an image should differ by 25.5 or more"
    )
    assert faint(images[:2], 16.0) == ""


def test_images_are_the_same_only_to_the_pixel():
    other = IMAGES.copy()
    other[0, 27, 27] ^= 1
    same = [x == y for x, y in zip(fingerprints(IMAGES), fingerprints(other), strict=True)]
    assert same == [False, True, True, True]
