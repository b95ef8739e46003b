"""Pictures in files: what has the training format is never changed, all else is prepared alike."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tasks.data.pictures import (
    AS_IT_IS,
    open_picture,
    prepare,
    prepare_array,
    prepare_arrays,
    read_picture,
    size_of,
)
from tasks.errors import InputError
from tasks.schemas.images import Preparation

GREY = Preparation(height=8, width=10, channels=1)
RGB = Preparation(height=8, width=10, channels=3)
NOISE = np.random.default_rng(0).integers(0, 256, (8, 10, 3), dtype=np.uint8)


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "WEBP"])
def test_a_file_of_the_training_format_keeps_its_pixels(form):
    options = {"lossless": True, "exact": True} if form == "WEBP" else {}
    for preparation, pixels in ((GREY, NOISE[..., 0]), (RGB, NOISE)):
        found = read_picture(encoded(Image.fromarray(pixels), form, **options), "a", preparation)
        np.testing.assert_array_equal(found.pixels, pixels)
        assert found.how == AS_IT_IS


def test_grey_becomes_a_colour_and_colour_grey():
    grey = NOISE[..., 0]
    found = read_picture(encoded(Image.fromarray(grey)), "a", RGB)
    np.testing.assert_array_equal(found.pixels, np.stack([grey] * 3, axis=-1))
    assert found.how == AS_IT_IS
    found = read_picture(encoded(Image.fromarray(NOISE)), "a", GREY)
    # ITU-R 601-2, as Pillow rounds it
    expected = (NOISE @ np.array([19595, 38470, 7471]) + 0x8000) >> 16
    np.testing.assert_array_equal(found.pixels, expected)
    assert found.how == "grey"


def test_an_array_and_its_file_are_prepared_alike():
    large = np.random.default_rng(1).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    for preparation in (GREY, RGB):
        from_file = read_picture(encoded(Image.fromarray(large)), "a", preparation)
        from_array = prepare_array(large, preparation)
        np.testing.assert_array_equal(from_file.pixels, from_array.pixels)
        assert from_file.how == from_array.how


def test_a_picture_of_another_shape_is_scaled_and_has_the_colour_of_its_edge_around_it():
    white_on_blue = np.zeros((16, 16, 3), np.uint8)
    white_on_blue[..., 2] = 200
    white_on_blue[4:12, 4:12] = 255
    found = prepare_array(white_on_blue, Preparation(height=8, width=16, channels=3))
    assert found.how == "scaled from 16 x 16"
    assert found.pixels[:, [0, 3, 12, 15]].reshape(-1, 3).tolist() == [[0, 0, 200]] * 32
    assert found.pixels[4, 8].tolist() == [255, 255, 255]


def test_a_transparent_picture_is_laid_on_white():
    pixels = np.zeros((8, 10, 4), np.uint8)
    pixels[2, 3] = (10, 20, 30, 255)
    found = read_picture(encoded(Image.fromarray(pixels)), "a", RGB)
    assert found.how == "laid on white"
    assert found.pixels[2, 3].tolist() == [10, 20, 30]
    assert found.pixels[0, 0].tolist() == [255, 255, 255]


def test_a_picture_is_read_as_the_camera_was_held():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    upright = NOISE
    stored = np.rot90(upright)  # counterclockwise
    content = encoded(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    found = read_picture(content, "a", RGB)
    np.testing.assert_array_equal(found.pixels, upright)
    with open_picture(BytesIO(content), "a") as picture:
        assert size_of(picture) == (8, 10)


def test_arrays_of_the_training_shape_are_the_same_array():
    images = NOISE[None, ..., 0]
    assert prepare_arrays(images, GREY) is images
    assert prepare_arrays(np.zeros((2, 5, 5), np.uint8), GREY).shape == (2, 8, 10)


def test_handwriting_above_the_largest_training_pixel_is_not_of_the_training_format():
    small = Preparation(height=28, width=28, channels=1, handwriting=True, max_pixel=16)
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 12:16] = 16
    assert prepare(Image.fromarray(pixels), small).how == AS_IT_IS
    found = prepare(Image.fromarray(pixels * 15), small)
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.how == "stretched to 0..16, centred by mass"


def bomb() -> bytes:
    """The header of a PNG of 10,000,000,000 pixels."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


ANIMATION = encoded(
    Image.new("RGB", (9, 9)), "PNG", save_all=True, append_images=[Image.new("RGB", (9, 9), "red")]
)
DEEP = encoded(Image.fromarray(np.full((9, 9), 40_000, np.uint16)))
WHOLE = encoded(Image.fromarray(NOISE))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"hello", "a.png is not a PNG, JPEG, WebP, BMP or TIFF file"),
        (b"", "a.png is not a PNG, JPEG, WebP, BMP or TIFF file"),
        (WHOLE[:-40], "a.png is not an intact picture: "),
        (ANIMATION, "a.png has 2 frames where one is right"),
        (DEEP, "a.png has more than 8 bits a channel where 8 are right"),
        (bomb(), "a.png has more than 50,000,000 pixels; give it in a smaller size"),
        (encoded(Image.new("F", (9, 9)), "TIFF"), "a.png has more than 8 bits a channel"),
    ],
    ids=["text", "empty", "truncated", "animated", "16 bits", "bomb", "floats"],
)
def test_what_cannot_be_used_is_told(content, sentence):
    with pytest.raises(InputError) as caught:
        read_picture(content, "a.png", RGB)
    assert str(caught.value).startswith(sentence)


def test_handwriting_may_have_16_bits():
    pixels = np.zeros((40, 40), np.uint16)
    pixels[10:30, 18:22] = 60_000
    handwriting = Preparation(height=28, width=28, channels=1, handwriting=True)
    found = read_picture(encoded(Image.fromarray(pixels)), "a", handwriting)
    assert found.how == "grey of 16 bits, centred by mass"
    assert found.pixels.max() == 255
