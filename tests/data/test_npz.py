import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.data import arrays as npz
from tasks.data.arrays import Arrays, read_blocks, read_header
from tasks.errors import InputError


def arrays(**changed: Any) -> dict[str, Any]:
    return {
        "x_train": np.full((2, 28, 28), 1, np.uint8),
        "y_train": np.array([4, 7], np.uint8),
        "x_test": np.full((1, 28, 28), 3, np.uint8),
        "y_test": np.array([9], np.uint8),
        **changed,
    }


def saved(path: Path, **changed: Any) -> Path:
    np.savez_compressed(path, **arrays(**changed))
    return path


def with_member(path: Path, content: bytes) -> Path:
    """Returns a .npz whose x_train is made of these bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_train.npy", content)
        archive.writestr("y_train.npy", b"")
    return path


def read_npz(path: Path) -> Arrays:
    with path.open("rb") as file:
        return npz.read_npz(file, str(path))


def npy(header: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_each_array_into_its_own_field(tmp_path, save):
    save(tmp_path / "m.npz", **arrays())

    read = read_npz(tmp_path / "m.npz")

    assert read.train_images.shape == (2, 28, 28)
    assert read.train_images.dtype == np.uint8
    assert read.train_images.max() == 1
    assert read.train_labels.tolist() == [4, 7]
    assert read.test_images.max() == 3
    assert read.test_labels.tolist() == [9]


def test_keeps_column_order(tmp_path):
    image = np.arange(784, dtype=np.uint16).astype(np.uint8).reshape(1, 28, 28)
    path = saved(tmp_path / "m.npz", x_test=np.asfortranarray(image))

    np.testing.assert_array_equal(read_npz(path).test_images, image)


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
def test_names_the_missing_array(tmp_path, name):
    path = tmp_path / "m.npz"
    np.savez(path, **{key: array for key, array in arrays().items() if key != name})

    with pytest.raises(InputError, match=f"{path} has no array {name}"):
        read_npz(path)


def test_never_loads_python_objects(tmp_path):
    path = saved(tmp_path / "m.npz", y_train=np.array([4, "seven"], object))

    with pytest.raises(InputError, match=f"{path}: y_train holds Python objects, which are never"):
        read_npz(path)


@pytest.mark.parametrize("part", range(0, 100, 9))
def test_refuses_a_file_cut_anywhere(tmp_path, part):
    path = saved(tmp_path / "m.npz")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * part // 100])

    with pytest.raises(InputError, match=f"{path} is not an intact .npz file"):
        read_npz(path)


@pytest.mark.parametrize("count", [1, 100])
def test_refuses_a_damaged_array(tmp_path, count):
    path = tmp_path / "m.npz"
    np.savez(path, **arrays(x_train=np.zeros((count, 28, 28), np.uint8)))
    content = bytearray(path.read_bytes())
    content[700] ^= 0xFF
    path.write_bytes(content)

    with pytest.raises(
        InputError, match=rf"{path} is not an intact .npz file: Bad CRC-32 for file 'x_train.npy'"
    ):
        read_npz(path)


def test_refuses_a_single_array(tmp_path):
    path = tmp_path / "m.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))

    with pytest.raises(InputError, match=f"{path} is not an intact .npz file"):
        read_npz(path)


def test_refuses_a_member_too_large_before_unpacking_it(tmp_path, monkeypatch):
    path = saved(tmp_path / "m.npz", x_train=np.zeros((2000, 28, 28), np.uint8))
    monkeypatch.setattr(npz, "MAX_MEMBER_BYTES", 1_000_000)

    with pytest.raises(InputError, match=f"{path}: x_train has 1568128 bytes where 1000000 are"):
        read_npz(path)


def test_refuses_a_header_that_claims_more_than_there_is(tmp_path):
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999,)}\n"
    path = with_member(tmp_path / "m.npz", npy(header, b"abc"))

    with pytest.raises(InputError, match=f"{path} is not an intact .npz file"):
        read_npz(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"no array", npy("{"), npy("{'descr': '|u1'}"), npy("(" * 9999), npy("{[]: 1}")],
    ids=["empty", "text", "open", "incomplete", "deep", "unhashable"],
)
def test_refuses_what_is_no_array(tmp_path, content):
    path = with_member(tmp_path / "m.npz", content)

    with pytest.raises(InputError, match=f"{path} is not an intact .npz file"):
        read_npz(path)


def blocks(path: Path, name: str) -> list[np.ndarray]:
    with path.open("rb") as file:
        return list(read_blocks(file, str(path), name))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(1000, 4, 5), (1000, 4, 5, 3), (7, 40, 30), (1, 3, 2)])
def test_blocks_of_rows_are_the_array(tmp_path, monkeypatch, save, order, shape):
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    save(tmp_path / "m.npz", x=np.asarray(array, order=order))
    monkeypatch.setattr(npz, "BLOCK_BYTES", 1500)

    found = blocks(tmp_path / "m.npz", "x")

    at_once = max(1, 1500 // array[0].size) if order == "C" else len(array)
    assert max(len(block) for block in found) == min(len(array), at_once)
    np.testing.assert_array_equal(np.concatenate(found), array)


def test_blocks_take_no_more_memory_than_a_few_of_them(tmp_path, monkeypatch):
    path = tmp_path / "m.npz"
    np.savez_compressed(path, x=np.zeros((50_000, 28, 28), np.uint8))
    monkeypatch.setattr(npz, "BLOCK_BYTES", 2_000_000)

    tracemalloc.start()
    with path.open("rb") as file:
        count = sum(len(block) for block in read_blocks(file, "m", "x"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 50_000
    assert peak < 13_000_000  # of 39,200,000


def test_blocks_of_a_damaged_array_are_refused(tmp_path):
    path = tmp_path / "m.npz"
    np.savez(path, x=np.zeros((100, 28, 28), np.uint8))
    content = bytearray(path.read_bytes())
    content[700] ^= 0xFF
    path.write_bytes(content)

    with pytest.raises(InputError, match=rf"{path} is not an intact .npz file: Bad CRC-32"):
        blocks(path, "x")


def test_a_header_is_read_alone(tmp_path):
    path = tmp_path / "m.npz"
    np.savez(path, x=np.zeros((3, 4), np.int16, "F"))
    with path.open("rb") as file:
        header = read_header(file, str(path), "x")
    assert (header.shape, header.dtype, header.is_fortran) == ((3, 4), np.int16, True)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_refuses_a_compression_that_unpacks_without_a_limit(tmp_path, method):
    path = tmp_path / "m.npz"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("x_train.npy", npy("{'descr': '|u1', 'fortran_order': False}"))
        archive.writestr("y_train.npy", b"")

    with pytest.raises(InputError, match=r"m.npz: x_train is compressed as NumPy never does"):
        read_npz(path)
