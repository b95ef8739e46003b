import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from tasks.data.idx import (
    IDX_NAMES,
    IMAGE,
    LABEL,
    find_idx_files,
    read_idx,
)
from tasks.data.read import find_source, read_source
from tasks.errors import InputError

LABELS = b"\x00\x00\x08\x01\x00\x00\x00\x03\x07\x00\x09"
IMAGES = b"\x00\x00\x08\x03\x00\x00\x00\x02\x00\x00\x00\x1c\x00\x00\x00\x1c" + bytes(783) + b"\xff"
IMAGES += b"\x05" + bytes(783)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("name", "pack"), [("labels", bytes), ("labels.gz", gzip.compress)])
def test_reads_labels(tmp_path, name, pack):
    labels = read_idx(written(tmp_path / name, pack(LABELS)), LABEL)

    assert labels.dtype == np.uint8
    assert labels.tolist() == [7, 0, 9]


@pytest.mark.parametrize(("name", "pack"), [("images", bytes), ("images.gz", gzip.compress)])
def test_reads_images(tmp_path, name, pack):
    images = read_idx(written(tmp_path / name, pack(IMAGES)), IMAGE)

    assert images.dtype == np.uint8
    assert images.shape == (2, 28, 28)
    assert np.argwhere(images).tolist() == [[0, 27, 27], [1, 0, 0]]
    assert (images[0, 27, 27], images[1, 0, 0]) == (255, 5)


def test_reads_each_file_of_a_folder_into_its_own_field(tmp_path):
    def labels(*labels: int) -> bytes:
        return struct.pack(">II", 2049, 2) + bytes(labels)

    def images(pixel: int) -> bytes:
        return struct.pack(">IIII", 2051, 2, 28, 28) + bytes([pixel]) * 2 * 784

    contents = (images(1), labels(2, 4), images(3), labels(4, 2))
    for name, content in zip(IDX_NAMES, contents, strict=True):
        written(tmp_path / name, content)

    read = read_source(find_source(str(tmp_path), 0))

    assert read.train_images.max() == 1
    assert read.train_labels.tolist() == [0, 1]
    assert read.test_images.max() == 3
    assert read.test_labels.tolist() == [1, 0]


@pytest.mark.parametrize("spelling", ["{}", "{}.gz"])
@pytest.mark.parametrize("mark", ["-idx", ".idx"])
def test_finds_every_spelling(tmp_path, mark, spelling):
    names = [spelling.format(name.replace("-idx", mark)) for name in IDX_NAMES]
    for name in names:
        written(tmp_path / name, b"")

    assert [path.name for path in find_idx_files(tmp_path)] == names


def test_names_the_missing_file(tmp_path):
    for name in IDX_NAMES[:3]:
        written(tmp_path / name, b"")

    with pytest.raises(InputError, match=f"{tmp_path} has no file t10k-labels-idx1-ubyte"):
        find_idx_files(tmp_path)


@pytest.mark.parametrize("size", range(8))
def test_refuses_a_header_cut_short(tmp_path, size):
    path = written(tmp_path / "labels", LABELS[:size])

    with pytest.raises(InputError, match=f"{path} ends within its header of 8 bytes"):
        read_idx(path, LABEL)


@pytest.mark.parametrize("size", [8, 9, 10])
def test_refuses_data_cut_short(tmp_path, size):
    path = written(tmp_path / "labels", LABELS[:size])

    with pytest.raises(InputError, match=f"{path} holds only {size - 8} bytes .* header says 3"):
        read_idx(path, LABEL)


def test_refuses_data_too_long(tmp_path):
    path = written(tmp_path / "labels", LABELS + b"\x00")

    with pytest.raises(InputError, match=f"{path} holds more bytes .* header says 3"):
        read_idx(path, LABEL)


@pytest.mark.parametrize("kept", range(len(gzip.compress(LABELS))))
def test_refuses_gzip_cut_anywhere(tmp_path, kept):
    path = written(tmp_path / "labels.gz", gzip.compress(LABELS)[:kept])

    with pytest.raises(InputError, match=f"{path} "):
        read_idx(path, LABEL)


@pytest.mark.parametrize(
    ("position", "what"), [(0, "magic"), (10, "deflate data"), (-8, "checksum"), (-1, "length")]
)
def test_refuses_corrupt_gzip(tmp_path, position, what):
    corrupt = bytearray(gzip.compress(LABELS))
    corrupt[position] ^= 0xFF
    path = written(tmp_path / "labels.gz", bytes(corrupt))

    with pytest.raises(InputError, match=f"{path} is not an intact gzip file"):
        read_idx(path, LABEL)


def test_expands_no_more_of_a_gzip_bomb_than_its_header_says(tmp_path, monkeypatch):
    path = written(tmp_path / "labels.gz", gzip.compress(LABELS + bytes(50_000_000)))
    expanded = []
    read = gzip.GzipFile.read

    def counting_read(self: gzip.GzipFile, size: int = -1) -> bytes:
        chunk = read(self, size)
        expanded.append(len(chunk))
        return chunk

    monkeypatch.setattr(gzip.GzipFile, "read", counting_read)

    with pytest.raises(InputError, match=f"{path} holds more bytes of data where .* says 3"):
        read_idx(path, LABEL)
    assert expanded == [8, 4]


def test_refuses_an_absurd_count_before_making_room(tmp_path):
    path = written(tmp_path / "labels", struct.pack(">II", 2049, 2**32 - 1))

    with pytest.raises(InputError, match=f"{path} holds only 0 bytes .* says 4294967295"):
        read_idx(path, LABEL)


def test_refuses_labels_for_images(tmp_path):
    path = written(tmp_path / "labels", LABELS + bytes(8))

    with pytest.raises(InputError, match=f"{path} starts with the number 2049 where 2051"):
        read_idx(path, IMAGE)


def test_refuses_images_for_labels(tmp_path):
    path = written(tmp_path / "images", IMAGES)

    with pytest.raises(InputError, match=f"{path} starts with the number 2051 where 2049"):
        read_idx(path, LABEL)


def test_reads_other_image_sizes(tmp_path):
    path = written(tmp_path / "images", struct.pack(">IIII", 2051, 1, 32, 28) + bytes(896))

    assert read_idx(path, IMAGE).shape == (1, 32, 28)


def test_what_is_read_cannot_be_written(tmp_path):
    assert not read_idx(written(tmp_path / "labels", LABELS), LABEL).flags.writeable
