"""What is still being written or grows, and when it is checked."""

import os

import numpy as np
from conftest import squares
from deliveries import drop_pngs, look, names, npz

HOUR = 3600


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


def test_a_file_from_a_clock_that_is_far_ahead_is_checked(inbox, store):
    (inbox / "bad.npz").write_bytes(b"no zip")
    ahead = (inbox / "bad.npz").stat().st_mtime + 24 * HOUR
    os.utime(inbox / "bad.npz", (ahead, ahead))
    assert [name for name, _ in look(inbox, store, settle=HOUR).quarantined] == ["bad.npz"]


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
    assert look(inbox, store).new == ("loose-pictures",)
    images, labels = squares(20, seed=4)
    drop_pngs(inbox, images, labels, name="new")
    found = look(inbox, store)
    assert (found.new, found.quarantined) == (("loose-pictures",), ())
    assert [used.images.shape[0] for used in found.used] == [30, 20]
    np.testing.assert_array_equal(
        store.array(found.used[1].images), images[np.argsort(labels, kind="stable")]
    )
    (inbox / "3/old-003.png").unlink()
    assert look(inbox, store).used == found.used
