"""From the inbox to accepted batches: what counts, what is set aside, what waits."""

import numpy as np
import pytest
from conftest import squares
from deliveries import drop_pngs, look, names, npz

from tasks.arrivals import validation


def test_a_good_batch_is_accepted_at_once_and_remembered(inbox, store):
    images, labels = squares(50, seed=3)
    (inbox / "monday.npz").write_bytes(npz(images, labels.astype(np.int64)))
    found = look(inbox, store, settle=3600)
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


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: 255 - x, "its images' brightness drifts from the training images' by"),
        (lambda x: x // 16, "50 of its 50 images are nearly empty or constant, first row 0; the"),
    ],
    ids=["inverted", "empty"],
)
def test_a_batch_of_other_images_is_set_aside(inbox, store, change, expected):
    images, labels = squares(50, seed=3)
    (inbox / "monday.npz").write_bytes(npz(change(images), labels))
    found = look(inbox, store)
    assert (found.used, found.new) == ((), ())
    assert found.quarantined[0][1].startswith(expected)


def test_a_batch_that_is_too_large_is_not_read(inbox, store, monkeypatch):
    monkeypatch.setattr(validation, "MAX_BYTES", 5)
    (inbox / "monday.npz").write_bytes(b"no zip")
    reason = "it has 6 bytes where 5 are the most"
    assert look(inbox, store).quarantined == (("monday.npz", reason),)


def test_an_image_of_another_batch_is_rejected_in_a_folder_too_whenever_it_was_used(inbox, store):
    images, labels = squares(30, seed=3)
    (inbox / "monday.npz").write_bytes(npz(images, labels))
    look(inbox, store)
    (inbox / "monday.npz").unlink()
    drop_pngs(inbox / "tuesday", images[:20], labels[:20])
    reason = (
        "20 of its 20 images are in the training set already, first 0/image-000.png; "
        "each image should be new"
    )
    assert look(inbox, store).quarantined == (("tuesday", reason),)


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


def test_a_bad_png_is_named(inbox, store):
    drop_pngs(inbox / "monday", *squares(30, seed=3))
    (inbox / "monday/4/image-004.png").write_bytes(b"no image")
    assert look(inbox, store).quarantined == (
        ("monday", "4/image-004.png is not a PNG, JPEG, WebP, BMP or TIFF file"),
    )
    assert not (inbox / "monday").exists()
    assert len(names(inbox / "quarantine/monday")) == 30
