"""From the inbox to accepted batches: what counts, what is set aside, what waits."""

import os
from pathlib import Path

import numpy as np
import pytest
from conftest import squares
from deliveries import drop_pngs, look, names, npz, png

from tasks.storage.store import Store

HOUR = 3600


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "artifacts")


def test_a_good_batch_is_accepted_at_once_and_remembered(inbox, store):
    images, labels = squares(50, seed=3)
    (inbox / "monday.npz").write_bytes(npz(images, labels.astype(np.int64)))
    found = look(inbox, store, settle=HOUR)
    assert (found.new, found.quarantined, found.unfinished) == (("monday.npz",), (), ())
    assert [used.name for used in found.used] == ["monday.npz"]
    np.testing.assert_array_equal(store.array(found.used[0].images), images)
    np.testing.assert_array_equal(store.array(found.used[0].labels), labels)
    assert found.used[0].labels.dtype == "uint8"
    again = look(inbox, store)
    assert (again.used, again.new, again.quarantined) == (found.used, (), ())
    assert names(inbox) == ["monday.npz"]


def test_a_batch_counts_after_the_inbox_was_emptied_in_the_order_of_acceptance(inbox, store):
    for seed, name in ((3, "tuesday.npz"), (4, "monday.npz"), (5, "april.npz")):
        (inbox / name).write_bytes(npz(*squares(50, seed)))
        look(inbox, store)
        (inbox / name).unlink()
    assert [used.name for used in look(inbox, store).used] == [
        "tuesday.npz",
        "monday.npz",
        "april.npz",
    ]


def test_a_copy_of_a_used_batch_is_known_already(inbox, store):
    (inbox / "a.npz").write_bytes(npz(*squares(50, seed=3)))
    (inbox / "b.npz").write_bytes(npz(*squares(50, seed=3)))
    found = look(inbox, store)
    assert (found.new, found.quarantined, found.unfinished) == (("a.npz",), (), ())


def test_a_leaking_batch_is_set_aside_with_its_reason_and_the_rest_goes_on(inbox, store):
    images, labels = squares(50, seed=3)
    test_images, test_labels = squares(100, seed=2)
    images[[13, 27]], labels[[13, 27]] = test_images[[5, 6]], test_labels[[5, 6]]
    (inbox / "a-leak.npz").write_bytes(npz(images, labels))
    (inbox / "good.npz").write_bytes(npz(*squares(50, seed=4)))
    found = look(inbox, store)
    reason = (
        "2 of its 50 images are in the test set, which must stay unseen, first row 13; "
        "each image should be new"
    )
    assert found.new == ("good.npz",)
    assert found.quarantined == (("a-leak.npz", reason),)
    assert names(inbox) == [
        "good.npz",
        "quarantine/a-leak.npz",
        "quarantine/a-leak.npz.reason.txt",
    ]
    assert (inbox / "quarantine/a-leak.npz").read_bytes() == npz(images, labels)
    lines = (inbox / "quarantine/a-leak.npz.reason.txt").read_text().splitlines()
    assert lines[0] == f"a-leak.npz was not used: {reason}."
    assert lines[2].startswith("Judged on 2")
    assert look(inbox, store).quarantined == ()


def test_two_batches_of_one_run_may_not_share_an_image(inbox, store):
    first, labels = squares(50, seed=3)
    second, _ = squares(50, seed=4)
    second[9] = first[9]
    (inbox / "a.npz").write_bytes(npz(first, labels))
    (inbox / "b.npz").write_bytes(npz(second, labels))
    found = look(inbox, store)
    assert found.new == ("a.npz",)
    assert found.quarantined == (
        (
            "b.npz",
            "1 of its 50 images is in the training set already, first row 9; "
            "each image should be new",
        ),
    )


def test_a_batch_with_swapped_labels_is_accepted_as_only_a_comparison_of_models_finds_it(
    inbox, store
):
    images, labels = squares(50, seed=3)
    (inbox / "swapped.npz").write_bytes(npz(images, 9 - labels))
    assert look(inbox, store).new == ("swapped.npz",)


def test_a_truncated_file_waits_until_it_has_settled_and_is_set_aside_then(inbox, store):
    path = inbox / "half.npz"
    whole = npz(*squares(50, seed=3))
    path.write_bytes(whole[:20000])
    found = look(inbox, store, settle=HOUR)
    assert (found.new, found.quarantined, found.unfinished) == ((), (), ("half.npz",))
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - HOUR - 1))
    assert look(inbox, store, settle=HOUR).quarantined == (
        ("half.npz", "the file is not an intact .npz file: File is not a zip file"),
    )
    assert names(inbox) == ["quarantine/half.npz", "quarantine/half.npz.reason.txt"]


def test_a_half_written_file_is_taken_once_it_is_whole(inbox, store):
    whole = npz(*squares(50, seed=3))
    (inbox / "monday.npz").write_bytes(whole[:-1])
    assert look(inbox, store, settle=HOUR).unfinished == ("monday.npz",)
    (inbox / "monday.npz").write_bytes(whole)
    assert look(inbox, store, settle=HOUR).new == ("monday.npz",)


def test_a_folder_waits_until_its_newest_file_has_settled(inbox, store):
    drop_pngs(inbox / "monday", *squares(30, seed=3))
    paths = list(inbox.rglob("*.png"))
    for path in paths[1:]:
        os.utime(path, (0, 0))
    assert look(inbox, store, settle=HOUR).unfinished == ("monday",)
    os.utime(paths[0], (0, 0))
    found = look(inbox, store, settle=HOUR)
    assert (found.new, found.unfinished) == (("monday",), ())
    assert found.used[0].images.shape == (30, 28, 28)


def test_of_a_folder_that_grows_only_the_new_images_are_taken(inbox, store):
    drop_pngs(inbox, *squares(30, seed=3), name="old")
    assert look(inbox, store).new == ("loose-pngs",)
    images, labels = squares(20, seed=4)
    drop_pngs(inbox, images, labels, name="new")
    found = look(inbox, store)
    assert (found.new, found.quarantined) == (("loose-pngs",), ())
    assert [used.images.shape[0] for used in found.used] == [30, 20]
    np.testing.assert_array_equal(
        store.array(found.used[1].images), images[np.argsort(labels, kind="stable")]
    )
    (inbox / "3/old-003.png").unlink()
    assert look(inbox, store).used == found.used


def test_a_bad_png_is_named(inbox, store):
    drop_pngs(inbox / "monday", *squares(30, seed=3))
    (inbox / "monday/4/image-004.png").write_bytes(png(np.zeros((20, 30), np.uint8)))
    assert look(inbox, store).quarantined == (
        ("monday", "4/image-004.png has 30 x 20 pixels where 28 x 28 are right"),
    )
    assert not (inbox / "monday").exists()
    assert len(names(inbox / "quarantine/monday")) == 30
