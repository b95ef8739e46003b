"""Images as MNIST was made: literal greys in, literal greys out."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tasks.data.pictures import Prepared, prepare
from tasks.schemas.images import Preparation


def bar(height: int, width: int, box: tuple[int, int, int, int]) -> np.ndarray:
    """White on black; the box is top, left, bottom, right, the last two not included."""
    pixels = np.zeros((height, width), np.uint8)
    top, left, bottom, right = box
    pixels[top:bottom, left:right] = 255
    return pixels


def convert(image: Image.Image, max_pixel: int) -> Prepared:
    """Handwriting of 28 x 28, as it is prepared where the training images reach `max_pixel`."""
    preparation = Preparation(
        height=28, width=28, channels=1, handwriting=True, max_pixel=max_pixel
    )
    return prepare(image, preparation)


def seven() -> np.ndarray:
    """A digit as MNIST has it: 20 pixels high, its centre of mass in the middle."""
    large = Image.new("L", (200, 200))
    ImageDraw.Draw(large).line([(35, 12), (150, 12), (75, 199)], 255, width=25, joint="curve")
    return convert(large, 255).pixels


def converted(pixels: np.ndarray, max_pixel: int = 255) -> tuple[np.ndarray, str]:
    found = convert(Image.fromarray(pixels), max_pixel)
    assert found.pixels.shape == (28, 28)
    assert found.pixels.dtype == np.uint8
    return found.pixels, found.how


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)


@pytest.mark.parametrize("max_pixel", [255, 229, 128])
@pytest.mark.parametrize(
    "pixels",
    [
        noise(),
        255 - seven(),
        bar(28, 28, (0, 0, 10, 10)),
        *(np.full((28, 28), level, np.uint8) for level in (0, 9, 255)),
    ],
    ids=["noise", "dark on light", "in a corner", "black", "grey", "white"],
)
def test_what_has_the_training_format_is_taken_bit_by_bit(pixels, max_pixel):
    found, how = converted(pixels, max_pixel)
    assert how == "as it is"
    np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_opaque_grey_of_28_by_28_is_taken_as_it_is_however_it_is_stored(mode):
    pixels = np.where(seven() > 99, np.uint8(0), np.uint8(255))
    found = convert(Image.fromarray(pixels).convert(mode), 255)
    assert found.how == "as it is"
    np.testing.assert_array_equal(found.pixels, pixels)


@pytest.mark.parametrize("max_pixel", [127, 16])
def test_where_training_had_few_greys_pixels_above_them_are_of_another_format(max_pixel):
    pixels = 255 - seven()
    assert converted(pixels // 255 * max_pixel, max_pixel)[1] == "as it is"
    found, how = converted(pixels, max_pixel)
    assert how == f"inverted, stretched to 0..{max_pixel}, centred by mass"
    np.testing.assert_array_equal(found, np.round(seven() * (max_pixel / 255)))


def test_a_bar_is_scaled_to_20_pixels_and_placed_by_its_centre_of_mass():
    found, how = converted(bar(100, 80, (10, 5, 90, 25)))
    assert how == "scaled from 80 x 100, centred by mass"
    # 80 x 20 becomes 20 x 5; rows 4 to 23 and columns 12 to 16 have their middle near (14, 14)
    np.testing.assert_array_equal(found, bar(28, 28, (4, 12, 24, 17)))


def test_the_centre_of_mass_is_placed_and_not_the_centre_of_the_box():
    ell = bar(40, 40, (0, 0, 40, 8)) | bar(40, 40, (32, 0, 40, 40))
    found, _ = converted(np.pad(ell, 9))
    rows, columns = (np.flatnonzero(found.any(axis=axis)) for axis in (1, 0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (1, 20, 8, 27)
    where = np.argwhere(found)
    assert np.abs(where.mean(axis=0) - 14).max() <= 0.5


def test_strokes_far_from_their_centre_of_mass_stays_inside():
    heavy_below = bar(200, 200, (180, 0, 200, 200)) | bar(200, 200, (0, 99, 200, 101))
    found, _ = converted(np.pad(heavy_below, 5))
    rows = np.flatnonzero(found.any(axis=1))
    assert (rows[0], rows[-1]) == (0, 19)


def test_dark_on_light_is_inverted():
    found, how = converted(255 - bar(100, 80, (10, 5, 90, 25)))
    assert how == "inverted, scaled from 80 x 100, centred by mass"
    np.testing.assert_array_equal(found, bar(28, 28, (4, 12, 24, 17)))


def test_background_is_what_most_of_the_border_is_though_strokes_touch_it():
    found, how = converted(255 - bar(100, 100, (0, 40, 100, 65)))
    assert how == "inverted, scaled from 100 x 100, centred by mass"
    np.testing.assert_array_equal(found, bar(28, 28, (4, 12, 24, 17)))


@pytest.mark.parametrize("factor", [1, 2, 3, 10])
def test_a_digit_of_mnist_drawn_large_and_dark_on_light_comes_back(factor):
    large = 255 - np.kron(seven(), np.ones((factor, factor), np.uint8))
    found, how = converted(np.pad(large, ((3, 30), (17, 2)), constant_values=255))
    assert how.startswith("inverted, ")
    difference = np.abs(found.astype(int) - seven())
    # the greys of an edge depend on how its pixels are averaged
    assert difference.mean() <= (0 if factor == 1 else 3)


def test_noise_of_the_background_is_background():
    noise = np.random.default_rng(0).normal(0, 6, (112, 112))
    page = np.clip(220 - 0.7 * np.kron(seven(), np.ones((4, 4))) + noise, 0, 255).astype(np.uint8)
    found, how = converted(page)
    assert how == "inverted, stretched to 0..255, scaled from 112 x 112, centred by mass"
    assert np.abs(found.astype(int) - seven()).mean() <= 8
    assert not found[:3].any()


@pytest.mark.parametrize(
    ("mode", "how"),
    [
        ("L", "inverted, scaled from 80 x 100, centred by mass"),
        ("1", "inverted, scaled from 80 x 100, centred by mass"),
        ("LA", "grey, inverted, scaled from 80 x 100, centred by mass"),
        ("RGB", "grey, inverted, scaled from 80 x 100, centred by mass"),
        ("RGBA", "grey, inverted, scaled from 80 x 100, centred by mass"),
        ("P", "grey, inverted, scaled from 80 x 100, centred by mass"),
    ],
)
def test_every_mode_gives_the_same_pixels(mode, how):
    image = Image.fromarray(255 - bar(100, 80, (10, 5, 90, 25))).convert(mode)
    found = convert(image, 255)
    assert found.how == how
    np.testing.assert_array_equal(found.pixels, bar(28, 28, (4, 12, 24, 17)))


@pytest.mark.parametrize("lightest", [255, 4095, 65535])
def test_16_bits_are_stretched_to_8(lightest):
    pixels = (bar(100, 80, (10, 5, 90, 25)) // 255).astype(np.uint16) * lightest
    found, how = converted(pixels)
    assert how == "grey of 16 bits, scaled from 80 x 100, centred by mass"
    np.testing.assert_array_equal(found, bar(28, 28, (4, 12, 24, 17)))


@pytest.mark.parametrize(
    ("stroke", "how"),
    [
        (0, "grey, laid on white, inverted, scaled from 80 x 100, centred by mass"),
        (255, "grey, laid on black, scaled from 80 x 100, centred by mass"),
    ],
)
def test_strokes_on_a_transparent_background_are_laid_on_what_they_stand_out_from(stroke, how):
    alpha = bar(100, 80, (10, 5, 90, 25))
    image = np.dstack([np.full((100, 80, 3), stroke, np.uint8), alpha])
    found = converted(image)
    assert found[1] == how
    np.testing.assert_array_equal(found[0], bar(28, 28, (4, 12, 24, 17)))


def test_a_28_by_28_image_in_colour_or_transparent_is_converted():
    red = np.dstack([seven(), np.zeros((28, 28, 2), np.uint8)])
    clear = np.dstack([np.full((28, 28, 3), 255, np.uint8), seven()])
    assert converted(red)[1] == "grey, stretched to 0..255, centred by mass"
    found, how = converted(clear)
    assert how == "grey, laid on black, centred by mass"
    np.testing.assert_array_equal(found, seven())


@pytest.mark.parametrize("level", [0, 9, 255])
@pytest.mark.parametrize("shape", [(27, 28), (50, 40), (1, 1), (50, 40, 3)])
def test_a_sheet_of_one_level_and_another_size_is_empty_and_black(level, shape):
    found, how = converted(np.full(shape, level, np.uint8))
    assert how == "empty"
    assert not found.any()


def test_a_wholly_transparent_image_is_empty():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 30, 4), dtype=np.uint8)
    pixels[..., 3] = 0
    assert converted(pixels)[1] == "empty"


def test_strokes_are_as_bright_as_in_training():
    found, how = converted(bar(100, 80, (10, 5, 90, 25)), max_pixel=16)
    assert how == "stretched to 0..16, scaled from 80 x 100, centred by mass"
    np.testing.assert_array_equal(found, bar(28, 28, (4, 12, 24, 17)) // 255 * 16)


def test_mnist_is_not_taken_as_it_is_by_a_model_that_knows_16_greys():
    found, how = converted(seven(), max_pixel=16)
    assert how == "stretched to 0..16, centred by mass"
    np.testing.assert_array_equal(found, np.round(seven() * (16 / 255)))


def test_a_dot_and_a_hairline_survive():
    assert converted(bar(9, 9, (4, 4, 5, 5)))[0].tolist() == bar(28, 28, (4, 4, 24, 24)).tolist()
    hairline, _ = converted(bar(3000, 50, (10, 20, 2990, 21)))
    np.testing.assert_array_equal(hairline, bar(28, 28, (4, 14, 24, 15)))
