"""From the bytes of a file to labelled images: literal files in, literal reasons out."""

import struct
import zipfile
from io import BytesIO

import numpy as np
import pytest
from conftest import squares
from deliveries import npz, png, reason
from PIL import Image

from tasks.arrivals import validation
from tasks.arrivals.decode import decode_npz, decode_pngs
from tasks.data.npz import NotIntactError

IMAGES, LABELS = squares(4, seed=1)


@pytest.mark.parametrize(
    ("images", "labels", "expected"),
    [
        (IMAGES / 255, LABELS, "images are float64 where uint8 is right"),
        (IMAGES[..., None], LABELS, "images have shape (4, 28, 28, 1) where (n, 28, 28) is right"),
        (IMAGES[0], LABELS, "images have shape (28, 28) where (n, 28, 28) is right"),
        (IMAGES[:0], LABELS[:0], "it has 0 images where 1 to 100000 are right"),
        (IMAGES, LABELS / 1, "labels are float64 where an integer type is right"),
        (
            IMAGES,
            LABELS.astype("m8[s]"),
            "labels are timedelta64[s] where an integer type is right",
        ),
        (
            IMAGES,
            LABELS.astype(np.int64).astype("M8[s]"),
            "labels are datetime64[s] where an integer type is right",
        ),
        (IMAGES, LABELS[:3], "labels have shape (3,) where (4,) is right"),
        (IMAGES, LABELS[:, None], "labels have shape (4, 1) where (4,) is right"),
        (IMAGES, LABELS + 7, "labels run from 7 to 10 where 0 to 9 is right"),
        (IMAGES, LABELS - np.int8(1), "labels run from -1 to 2 where 0 to 9 is right"),
    ],
)
def test_arrays_of_another_form_are_rejected(images, labels, expected):
    assert reason(decode_npz, npz(images, labels)) == expected


def test_a_missing_array_is_named():
    buffer = BytesIO()
    np.savez(buffer, images=IMAGES, y=LABELS)
    expected = "the file has no array labels; it needs images, labels"
    assert reason(decode_npz, buffer.getvalue()) == expected


def test_python_objects_are_never_loaded():
    expected = "the file: labels holds Python objects, which are never loaded"
    assert reason(decode_npz, npz(IMAGES, LABELS.astype(object))) == expected


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
    assert reason(decode_npz, buffer.getvalue()) == expected


@pytest.mark.parametrize("part", range(0, 100, 9))
def test_an_npz_cut_anywhere_is_not_intact(part):
    content = npz(IMAGES, LABELS)
    with pytest.raises(NotIntactError):
        decode_npz(content[: len(content) * part // 100])


def test_too_many_images_are_rejected(monkeypatch):
    monkeypatch.setattr(validation, "MAX_IMAGES", 3)
    expected = "it has 4 images where 1 to 3 are right"
    assert reason(decode_npz, npz(IMAGES, LABELS)) == expected
    assert reason(decode_pngs, {f"0/{n}.png": b"" for n in range(4)}) == expected


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGB", "RGBA"])
def test_grey_is_read_however_it_is_stored(mode):
    pixels = np.where(IMAGES > 99, np.uint8(255), np.uint8(0))
    decoded = decode_pngs({"3/a.png": png(pixels[0], mode), "0/b.png": png(pixels[1], mode)})
    np.testing.assert_array_equal(decoded.images, pixels[:2])
    assert decoded.labels.tolist() == [3, 0]
    assert decoded.place(1) == "0/b.png"


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("3/a.png", png(IMAGES[0][:27]), "3/a.png has 28 x 27 pixels where 28 x 28 are right"),
        ("3/a.png", png(np.zeros((5000, 5000), np.uint8)), "3/a.png has 5000 x 5000 pixels where"),
        ("3/a.png", b"", "3/a.png is not an intact PNG file"),
        ("a.png", b"", "a.png is not in a folder named by its label, 0 to 9, as in 3/a.png"),
        ("10/a.png", b"", "10/a.png is not in a folder named by its label"),
        ("3/b/a.png", b"", "3/b/a.png is not in a folder named by its label"),
    ],
)
def test_other_png_files_are_rejected(path, content, expected):
    assert reason(decode_pngs, {path: content}).startswith(expected)


def test_sixteen_bits_and_colour_and_transparency_are_rejected():
    wide, colour, clear = BytesIO(), np.zeros((28, 28, 3), np.uint8), np.zeros((28, 28, 4))
    Image.fromarray(np.zeros((28, 28), np.uint16)).save(wide, "PNG")
    colour[5, 6, 2] = 1
    clear[..., 3] = 254
    expected = "3/a.png is of mode I;16 where 8 bits of grey (L) are right"
    assert reason(decode_pngs, {"3/a.png": wide.getvalue()}) == expected
    expected = "3/a.png is in colour or transparent where opaque grey is right"
    assert reason(decode_pngs, {"3/a.png": png(colour, "RGB")}) == expected
    assert reason(decode_pngs, {"3/a.png": png(clear.astype(np.uint8), "RGBA")}) == expected


@pytest.mark.parametrize("part", range(0, 100, 9))
def test_a_png_cut_anywhere_is_not_intact(part):
    content = png(IMAGES[0])
    cut = content[: len(content) * part // 100]
    assert reason(decode_pngs, {"3/a.png": cut}) == "3/a.png is not an intact PNG file"
