"""From the inbox to accepted batches: what counts, what is set aside, what waits."""

import numpy as np
import pytest
from conftest import squares
from deliveries import drop_pngs, look, names, npz

from tasks.arrivals import decode
from tasks.arrivals.batch import read_notes
from tasks.arrivals.review import decide


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


def test_test_images_are_set_aside_though_shifted_and_the_rest_of_the_batch_goes_on(inbox, store):
    images, labels = squares(50, seed=3)
    test_images, test_labels = squares(100, seed=2)
    images[13], labels[13] = test_images[5], test_labels[5]
    images[27], labels[27] = np.roll(test_images[6], 1, axis=0), test_labels[6]
    images[31], labels[31] = test_images[7] + 2, test_labels[7]
    (inbox / "leak.npz").write_bytes(npz(images, labels))
    found = look(inbox, store)
    assert (found.new, found.quarantined) == (("leak.npz",), ())
    kept = np.delete(np.arange(50), [13, 27, 31])
    np.testing.assert_array_equal(store.array(found.used[0].images), images[kept])
    aside, accepted = read_notes(store)
    assert (aside.batch.name, aside.state, aside.batch.labels.shape) == (
        "leak.npz near duplicates",
        "waiting",
        (3,),
    )
    assert aside.reason == "they are test or held-out images, or near duplicates of these"
    assert (accepted.batch, accepted.state, accepted.number) == (found.used[0], "accepted", 1)


def test_a_copy_of_the_test_set_is_quarantined_with_its_reason_and_the_rest_goes_on(inbox, store):
    content = npz(*squares(100, seed=2))
    (inbox / "a-leak.npz").write_bytes(content)
    (inbox / "good.npz").write_bytes(npz(*squares(50, seed=4)))
    found = look(inbox, store)
    reason = "its 100 images are test or held-out images, or near duplicates of these; give others"
    assert found.new == ("good.npz",)
    assert found.quarantined == (("a-leak.npz", reason),)
    assert names(inbox) == [
        "good.npz",
        "quarantine/a-leak.npz",
        "quarantine/a-leak.npz.reason.txt",
    ]
    assert (inbox / "quarantine/a-leak.npz").read_bytes() == content
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
    monkeypatch.setattr(decode, "MAX_BYTES", 5)
    (inbox / "monday.npz").write_bytes(b"no zip")
    reason = "it has 6 bytes where 5 are the most"
    assert look(inbox, store).quarantined == (("monday.npz", reason),)


def test_what_arrived_before_or_is_a_training_image_is_left_out(inbox, store):
    images, labels = squares(30, seed=3)
    (inbox / "monday.npz").write_bytes(npz(images, labels))
    look(inbox, store)
    (inbox / "monday.npz").unlink()
    more, their = squares(10, seed=4)
    train, trained = squares(400, seed=1)
    together = [
        np.concatenate(some)
        for some in ((images, train[:5], more, more), (labels, trained[:5], their, their))
    ]
    drop_pngs(inbox / "tuesday", *together)
    found = look(inbox, store)
    assert (found.new, found.quarantined) == (("tuesday",), ())
    assert found.used[1].labels.shape == (10,)
    np.testing.assert_array_equal(store.array(found.used[1].images), more)
    drop_pngs(inbox / "wednesday", images, labels)
    found = look(inbox, store)
    assert (found.new, found.quarantined, len(found.used)) == ((), (), 2)


def test_two_batches_of_one_run_share_no_image(inbox, store):
    first, labels = squares(50, seed=3)
    second, _ = squares(50, seed=4)
    second[9] = first[9]
    (inbox / "a.npz").write_bytes(npz(first, labels))
    (inbox / "b.npz").write_bytes(npz(second, labels))
    found = look(inbox, store)
    assert found.new == ("a.npz", "b.npz")
    assert [batch.labels.shape for batch in found.used] == [(50,), (49,)]


def test_a_batch_with_many_wrong_labels_is_set_aside_as_a_whole(inbox, store):
    images, labels = squares(50, seed=3)
    (inbox / "swapped.npz").write_bytes(npz(images, 9 - labels))
    found = look(inbox, store)
    reason = (
        "50 of its 50 labels are in doubt, as the nearest training images have others, where less "
        "than 5% is right"
    )
    assert (found.new, found.quarantined) == ((), (("swapped.npz", reason),))
    (note,) = read_notes(store)
    assert (note.state, note.reason, note.number) == ("waiting", reason, 0)
    np.testing.assert_array_equal(store.array(note.batch.labels), 9 - labels)
    np.testing.assert_array_equal(store.array(note.suggested), labels)


def test_few_wrong_labels_are_set_aside_and_the_rest_is_accepted(inbox, store):
    images, labels = squares(50, seed=3)
    given = labels.copy()
    given[[7, 20]] = 2
    (inbox / "monday.npz").write_bytes(npz(images, given))
    found = look(inbox, store)
    assert (found.new, found.quarantined) == (("monday.npz",), ())
    aside, accepted = read_notes(store)
    assert (aside.batch.name, aside.state) == ("monday.npz in doubt", "waiting")
    np.testing.assert_array_equal(store.array(aside.batch.images), images[[7, 20]])
    assert store.array(aside.batch.labels).tolist() == [2, 2]
    assert store.array(aside.suggested).tolist() == [7, 0]
    np.testing.assert_array_equal(store.array(accepted.batch.labels), np.delete(given, [7, 20]))


def test_what_drips_in_by_threes_is_seen(inbox, store):
    """Three images of one class are too few to say anything, and many threes are not."""
    images, labels = squares(600, seed=7)
    of_class = np.flatnonzero(labels == 3)
    reasons = []
    for batch in range(12):
        rows = of_class[3 * batch : 3 * batch + 3]
        (inbox / f"{batch:02}.npz").write_bytes(npz(images[rows], labels[rows]))
        reasons += [reason for _, reason in look(inbox, store).quarantined]
    assert reasons[0] == (
        "its labels drift from the training labels by a total variation distance of 0.90 "
        "(p < 0.001) where up to 0.25 is right, together with the batches before it"
    )
    assert len(reasons) == 11


def test_what_waits_or_was_rejected_is_not_judged_anew(inbox, store):
    content = npz(squares(50, seed=3)[0], 9 - squares(50, seed=3)[1])
    for again in ("waiting: 50 of its 50 labels", "rejected: all swapped"):
        (inbox / "swapped.npz").write_bytes(content)
        look(inbox, store)
        if again.startswith("rejected"):
            decide(store, "reject", "swapped.npz", "all swapped")
        (inbox / "swapped.npz").write_bytes(content)
        ((name, reason),) = look(inbox, store).quarantined
        assert name == "swapped.npz"
        assert reason.startswith(f"it was delivered before, and is {again}")
        assert len(read_notes(store)) == 1


def test_a_bad_png_is_named(inbox, store):
    drop_pngs(inbox / "monday", *squares(30, seed=3))
    (inbox / "monday/4/image-004.png").write_bytes(b"no image")
    assert look(inbox, store).quarantined == (
        ("monday", "4/image-004.png is not a PNG, JPEG, WebP, BMP or TIFF file"),
    )
    assert not (inbox / "monday").exists()
    assert len(names(inbox / "quarantine/monday")) == 30
