"""What a person decides on a batch is done, recorded, and shown."""

import re

import numpy as np
import pytest
from conftest import squares
from deliveries import look, npz, used_batches

from tasks.arrivals.batch import read_notes
from tasks.arrivals.review import decide
from tasks.errors import InputError
from tasks.reporting.page import fill
from tasks.reporting.review import write_page

IMAGES, LABELS = squares(50, seed=3)


@pytest.fixture
def waiting(inbox, store):
    """A batch of other images, set aside as a whole."""
    (inbox / "inverted.npz").write_bytes(npz(255 - IMAGES, LABELS))
    assert look(inbox, store, hold_out=0.2).used == ()
    return store


def test_an_approved_batch_is_used_as_it_is_with_a_share_held_out(inbox, waiting):
    note = decide(waiting, "approve", "inverted.npz", "a negative film")
    assert (note.state, len(note.acts), note.number) == ("accepted", 1, 1)
    assert (note.acts[0].state, note.acts[0].why) == ("accepted", "a negative film")
    assert re.fullmatch(r"\S+ on \S+", note.acts[0].who.replace("\n", ""))
    (batch,) = used_batches(waiting)
    np.testing.assert_array_equal(waiting.array(batch.images), 255 - IMAGES)
    assert np.bincount(batch.part(waiting, held_out=True)[1]).tolist() == [1] * 10


def test_more_of_an_approved_kind_needs_no_approval_and_of_another_kind_does(inbox, waiting):
    decide(waiting, "approve", "inverted.npz", "a negative film")
    (inbox / "more.npz").write_bytes(npz(255 - squares(50, seed=4)[0], LABELS))
    (inbox / "dark.npz").write_bytes(npz(squares(50, seed=5)[0] // 2, LABELS))
    found = look(inbox, waiting)
    assert found.new == ("more.npz",)
    assert found.quarantined[0][1].startswith("its images' brightness drifts from the training")


def test_a_withdrawn_batch_is_in_no_training_and_may_come_back(inbox, waiting):
    decide(waiting, "approve", "inverted.npz", "a negative film")
    before = used_batches(waiting)
    assert decide(waiting, "withdraw", "inverted.npz", "the film was old").state == "withdrawn"
    assert used_batches(waiting) == ()
    decide(waiting, "approve", before[0].sha256[:12], "it was not")
    assert used_batches(waiting) == before
    (note,) = read_notes(waiting)
    assert [act.state for act in note.acts] == ["accepted", "withdrawn", "accepted"]


def test_what_was_accepted_meanwhile_is_not_taken_in_twice(inbox, store):
    (inbox / "swapped.npz").write_bytes(npz(IMAGES, 9 - LABELS))
    look(inbox, store)
    (inbox / "right.npz").write_bytes(npz(IMAGES[:30], LABELS[:30]))
    look(inbox, store)
    decide(store, "approve", "swapped.npz", "for once")
    right, swapped = used_batches(store)
    assert (right.name, right.labels.shape) == ("right.npz", (30,))
    np.testing.assert_array_equal(store.array(swapped.images), IMAGES[30:])
    assert store.array(swapped.labels).tolist() == (9 - LABELS[30:]).tolist()


def test_nothing_is_taken_in_where_all_was_accepted_meanwhile(inbox, store):
    (inbox / "swapped.npz").write_bytes(npz(IMAGES, 9 - LABELS))
    look(inbox, store)
    (inbox / "right.npz").write_bytes(npz(IMAGES, LABELS))
    look(inbox, store)
    with pytest.raises(
        InputError, match=r"^all images of swapped.npz \(.{8}\) are in accepted bat"
    ):
        decide(store, "approve", "swapped.npz", "for once")


def test_what_cannot_be_decided_is_said_in_a_sentence(inbox, waiting):
    sha256 = read_notes(waiting)[0].batch.sha256[:8]
    for verb, name, sentence in (
        (
            "withdraw",
            "inverted.npz",
            f"inverted.npz ({sha256}) is waiting; to withdraw it, it has to be accepted",
        ),
        ("reject", "other", f"there is no batch 'other'; there are: inverted.npz ({sha256})"),
        ("reject", "", f"there is no batch ''; there are: inverted.npz ({sha256})"),
    ):
        with pytest.raises(InputError) as error:
            decide(waiting, verb, name, "why not")
        assert str(error.value) == sentence


def test_two_batches_of_one_name_are_told_apart_by_their_digests(inbox, store):
    for seed in (3, 4):
        (inbox / "monday.npz").write_bytes(npz(*squares(50, seed)))
        look(inbox, store)
    first, second = used_batches(store)
    with pytest.raises(InputError) as error:
        decide(store, "withdraw", "monday.npz", "both")
    assert str(error.value) == (
        "several batches are called monday.npz; give one of their digests: "
        f"{first.sha256[:8]}, {second.sha256[:8]}"
    )
    decide(store, "withdraw", first.sha256[:8], "the first")
    assert used_batches(store) == (second,)


def test_all_batches_are_listed_those_that_wait_first(inbox, store):
    (inbox / "a.npz").write_bytes(npz(*squares(50, seed=4)))
    (inbox / "b.npz").write_bytes(npz(IMAGES, 9 - LABELS))
    look(inbox, store)
    reason = (
        "50 of its 50 labels are in doubt, as the nearest training images have others, where less "
        "than 5% is right"
    )
    waiting, accepted = sorted(read_notes(store), key=lambda note: note.number)
    assert fill("batches.md.jinja", {"notes": read_notes(store)}, {}).splitlines() == [
        "| batch | state | images | why |",
        "| --- | --- | ---: | --- |",
        f"| {waiting.batch.title} | waiting | 50 | {reason} |",
        f"| {accepted.batch.title} | accepted | 50 |  |",
    ]


def test_the_page_shows_given_and_suggested_labels_of_what_waits(inbox, store):
    given = LABELS.copy()
    given[7] = 2
    (inbox / "monday.npz").write_bytes(npz(IMAGES, given))
    look(inbox, store)
    place = write_page(store, read_notes(store))
    page = (store.root / "review/index.html").read_text()
    assert place == str(store.root / "review/index.html")
    assert re.findall(r"labelled (\d),\s*<span class=\"suggested\">looks like (\d)", page) == [
        ("2", "7")
    ]
    assert page.count("data:image/png;base64,") == 1
    note = next(note for note in read_notes(store) if note.state == "waiting")
    assert f'python flows/retrain.py approve "{note.batch.sha256[:8]}" --why "..."' in page
    decide(store, "reject", note.batch.name, "wrong")
    write_page(store, read_notes(store))
    assert "None does." in (store.root / "review/index.html").read_text()


def test_the_page_gives_the_digest_of_a_batch_with_parentheses_in_its_name(inbox, store):
    (inbox / "monday (copy).npz").write_bytes(npz(IMAGES, 9 - LABELS))
    look(inbox, store)
    (note,) = read_notes(store)
    write_page(store, [note])
    page = (store.root / "review/index.html").read_text()
    assert f'python flows/retrain.py approve "{note.batch.sha256[:8]}" --why "..."' in page
