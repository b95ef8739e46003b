"""From the bytes of a file to labelled images: literal files in, literal reasons out."""

import struct
import zipfile
from functools import partial
from io import BytesIO

import numpy as np
import pytest
from conftest import squares
from deliveries import CLASSES, PREPARATION, npz, png, reason
from PIL import Image

from tasks.arrivals import decode
from tasks.arrivals.decode import decode_folder, decode_npz
from tasks.data.arrays import NotIntactError
from tasks.schemas.images import LabelledImages

IMAGES, LABELS = squares(4, seed=1)
NO_PICTURE = "is not a PNG, JPEG, WebP, BMP or TIFF file"
DATA = LabelledImages.model_construct(classes=CLASSES, preparation=PREPARATION)
as_npz, as_pictures = partial(decode_npz, data=DATA), partial(decode_folder, data=DATA)


@pytest.mark.parametrize(
    ("images", "labels", "expected"),
    [
        (
            IMAGES / 1,
            LABELS,
            "images are floats from 0 to 229 where 0 to 1, or uint8 of 0 to 255, are right",
        ),
        (
            IMAGES.astype(int),
            LABELS,
            "images are int64 where uint8, or floats within 0..1, are right",
        ),
        (
            IMAGES[0],
            LABELS,
            "images are of shape (28, 28) where (n, height, width), (n, height, width, 1) or "
            "(n, height, width, 3) is right, with at least one pixel",
        ),
        (IMAGES[:0], LABELS[:0], "it has 0 images where 1 to 100000 are right"),
        (IMAGES, LABELS / 1, "labels are float64 where integers or text are right"),
        (
            IMAGES,
            LABELS.astype("m8[s]"),
            "labels are timedelta64[s] where integers or text are right",
        ),
        (
            IMAGES,
            LABELS.astype(np.int64).astype("M8[s]"),
            "labels are datetime64[s] where integers or text are right",
        ),
        (IMAGES, LABELS[:3], "labels are of shape (3,) where (4,) is right"),
        (IMAGES, LABELS[:, None, None], "labels are of shape (4, 1, 1) where (4,) is right"),
        (IMAGES, LABELS + 7, "the data have no class 10; there are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        (
            IMAGES,
            LABELS - np.int8(1),
            "the data have no class -1; there are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        ),
    ],
)
def test_arrays_of_another_form_are_rejected(images, labels, expected):
    assert reason(as_npz, npz(images, labels)) == expected


def test_floats_within_0_and_1_and_a_channel_axis_and_an_axis_of_one_label_are_taken():
    decoded = as_npz(npz(IMAGES[..., None] / 255, LABELS[:, None]))
    np.testing.assert_array_equal(decoded.images, IMAGES)
    assert decoded.images.dtype == np.uint8
    assert decoded.labels.tolist() == [0, 1, 2, 3]


def test_a_missing_array_is_named():
    buffer = BytesIO()
    np.savez(buffer, images=IMAGES, y=LABELS)
    expected = "the file has no array labels; it needs images, labels"
    assert reason(as_npz, buffer.getvalue()) == expected


def test_python_objects_are_never_loaded():
    expected = (
        "the file: labels holds Python objects, which are never loaded; give text with dtype=str, "
        "and images of several sizes as files"
    )
    assert reason(as_npz, npz(IMAGES, LABELS.astype(object))) == expected


def test_an_array_is_rejected_for_its_size_before_it_is_unpacked():
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (268435457,)}\n"
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("images.npy", "w", force_zip64=True) as member:
            member.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
            for _ in range(2**8):
                member.write(bytes(2**20))
        archive.writestr("labels.npy", b"")
    expected = "the file: images has 268435530 bytes where 268435456 are the most"
    assert reason(as_npz, buffer.getvalue()) == expected


@pytest.mark.parametrize("part", range(0, 100, 9))
def test_an_npz_cut_anywhere_is_not_intact(part):
    content = npz(IMAGES, LABELS)
    with pytest.raises(NotIntactError):
        as_npz(content[: len(content) * part // 100])


def test_too_many_images_are_rejected(monkeypatch):
    monkeypatch.setattr(decode, "MAX_IMAGES", 3)
    expected = "it has 4 images where 1 to 3 are right"
    assert reason(as_npz, npz(IMAGES, LABELS)) == expected
    assert reason(as_pictures, {f"0/{n}.png": b"" for n in range(4)}) == expected


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGB", "RGBA"])
def test_grey_is_read_however_it_is_stored(mode):
    pixels = np.where(IMAGES > 99, np.uint8(255), np.uint8(0))
    decoded = as_pictures({"3/a.png": png(pixels[0], mode), "0/b.png": png(pixels[1], mode)})
    np.testing.assert_array_equal(decoded.images, pixels[:2])
    assert decoded.labels.tolist() == [3, 0]
    assert decoded.files[1] == "0/b.png"


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        (
            "3/a.png",
            png(np.zeros((8000, 8000), np.uint8)),
            "3/a.png has more than 50,000,000 pixels; give it in a smaller size",
        ),
        ("3/a.png", b"", f"3/a.png {NO_PICTURE}"),
        ("a.png", b"", "a.png is not in a folder named by its class, as in 0/a.png; the data have"),
        ("10/a.png", b"", "10/a.png is not in a folder named by its class"),
        ("b/3/a.png", b"", "b/3/a.png is not in a folder named by its class"),
    ],
)
def test_other_png_files_are_rejected(path, content, expected):
    assert reason(as_pictures, {path: content}).startswith(expected)


def test_sixteen_bits_are_rejected():
    wide = BytesIO()
    Image.fromarray(np.zeros((28, 28), np.uint16)).save(wide, "PNG")
    expected = "3/a.png has more than 8 bits a channel where 8 are right"
    assert reason(as_pictures, {"3/a.png": wide.getvalue()}) == expected


def test_another_size_and_colour_and_transparency_are_prepared_like_the_training_images():
    white, red, clear = (np.full((28, 28, n), 255, np.uint8) for n in (3, 3, 4))
    red[..., 1:] = 0
    clear[:] = (0, 0, 0, 51)  # a fifth of black, on white
    decoded = as_pictures(
        {
            "3/white.png": png(np.repeat(white[..., 0], 2, axis=0)),
            "3/red.png": png(red, "RGB"),
            "3/clear.png": png(clear, "RGBA"),
        }
    )
    assert decoded.images.shape == (3, 28, 28)
    assert [np.unique(image).tolist() for image in decoded.images] == [[255], [76], [204]]


@pytest.mark.parametrize("part", range(0, 95, 9))
def test_a_png_cut_anywhere_is_not_intact(part):
    content = png(IMAGES[0])
    cut = content[: len(content) * part // 100]
    found = "is not an intact picture: image file is truncated" if part else NO_PICTURE
    assert reason(as_pictures, {"3/a.png": cut}).startswith(f"3/a.png {found}")


def test_a_png_without_its_end_is_read_as_all_pixels_are_there():
    decoded = as_pictures({"3/a.png": png(IMAGES[0])[: -len(b"\0\0\0\0IEND....")]})
    np.testing.assert_array_equal(decoded.images, IMAGES[:1])
