import os

import numpy as np
import pytest

from tasks.schemas.references import ArrayReference, Dataset, Rows, Split, identity
from tasks.storage.store import DamagedError, Store


def test_an_array_comes_back_memory_mapped_and_read_only(tmp_path):
    store = Store(tmp_path)
    reference = store.add_array("some", np.array([[1, 2], [3, 4]], np.uint8))
    loaded = store.array(reference)
    assert loaded.tolist() == [[1, 2], [3, 4]]
    assert not loaded.flags.writeable
    assert not loaded.flags.owndata
    assert reference.path == f"arrays/some-{reference.sha256[:16]}.npy"


def test_an_array_is_seen_in_the_shape_of_its_reference(tmp_path):
    store = Store(tmp_path)
    reference = store.add_array("some", np.arange(4, dtype=np.uint8))
    column = ArrayReference(**dict(reference) | {"shape": (4, 1)})
    assert store.array(column).tolist() == [[0], [1], [2], [3]]


def appended(store: Store) -> ArrayReference:
    """The rows 1, 3, 4 and 7 of three arrays, of which the last two are of another dtype."""
    first = store.add_array("first", np.array([[1, 1]], np.uint8))
    second = store.add_array("second", np.array([[2, 2], [3, 3], [4, 4]], np.int64))
    third = store.add_array("third", np.array([[6, 6], [7, 7]]))
    of_second, of_third = (
        store.add_array("mask", np.array(marks)) for marks in ([True, False, False], [False, True])
    )
    rest = (
        Rows(array=second, mask=of_second, marked=False),
        Rows(array=third, mask=of_third, marked=True),
        Rows(array=third, mask=None, marked=True),
    )
    return first.followed_by(rest, 4)


def test_rows_of_other_arrays_follow_without_a_copy_in_the_store(tmp_path):
    store = Store(tmp_path)
    reference = appended(store)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    loaded = store.array(reference)
    assert loaded.tolist() == [[1, 1], [3, 3], [4, 4], [7, 7]]
    assert loaded.dtype == np.uint8
    assert not loaded.flags.writeable
    column = ArrayReference(**dict(reference) | {"shape": (4, 2, 1)})
    assert store.array(column)[:, 1, 0].tolist() == [1, 3, 4, 7]
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_follows_identifies_an_array_and_is_checked_with_it(tmp_path):
    store = Store(tmp_path)
    reference = appended(store)
    alone = reference.followed_by((), 4)
    assert identity(reference) != identity(alone)
    assert [file.path.split("-")[0] for file in reference.files()] == [
        *("arrays/first", "arrays/second", "arrays/mask"),
        *("arrays/third", "arrays/mask", "arrays/third"),
    ]
    *_, third = reference.files()
    (tmp_path / third.path).unlink()
    with pytest.raises(DamagedError, match=r"third-.* is missing"):
        store.array(reference)


def test_object_arrays_are_never_stored(tmp_path):
    with pytest.raises(ValueError, match="pickle"):
        Store(tmp_path).add_array("some", np.array([{}], object))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_store_may_move(tmp_path):
    reference = Store(tmp_path / "a").add_array("some", np.arange(3))
    (tmp_path / "a").rename(tmp_path / "b")
    assert Store(tmp_path / "b").array(reference).tolist() == [0, 1, 2]


@pytest.mark.parametrize("damage", ["delete", "truncate", "flip"])
def test_damage_is_noticed(tmp_path, damage):
    store = Store(tmp_path)
    reference = store.add_array("some", np.arange(100))
    path = tmp_path / reference.path
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    if damage == "delete":
        path.unlink()
    elif damage == "truncate":
        os.truncate(path, 200)
    else:
        path.write_bytes(content)
    with pytest.raises(DamagedError, match="is missing or is not what was stored"):
        store.array(reference)


def test_a_failed_write_leaves_nothing(tmp_path):
    def fail(path):
        path.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        Store(tmp_path).add("arrays/some.npy", fail)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_names_come_oldest_first(tmp_path):
    store = Store(tmp_path)
    for second, name in enumerate(("b", "c", "a")):
        store.write(f"notes/{name}", b"")
        os.utime(tmp_path / "notes" / name, (second, second))
    assert store.names("notes") == ["notes/b", "notes/c", "notes/a"]


def test_identity_is_content_and_not_place():
    def dataset(folder):
        array = ArrayReference(path=f"{folder}/x.npy", sha256="d", shape=(2,), dtype="uint8")
        return Dataset(
            train=Split(inputs=array, labels=array), test=Split(inputs=array, labels=array)
        )

    assert identity(dataset("a")) == identity(dataset("b"))
    assert identity((1, "x")) == [1, "x"]
    assert [file.path for file in dataset("a").files()] == ["a/x.npy"] * 4
