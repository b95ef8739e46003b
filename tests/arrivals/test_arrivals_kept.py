"""What a killed run or a damaged store leaves of the batches, and how the next run resumes."""

import os

import pytest
from conftest import squares
from deliveries import look, names, npz, used_batches

from tasks.arrivals import batch as batches
from tasks.arrivals import inbox as inboxes
from tasks.errors import InputError


def test_a_run_killed_before_it_moved_a_bad_batch_is_made_good(inbox, store, monkeypatch):
    (inbox / "bad.npz").write_bytes(b"no zip")
    with monkeypatch.context() as killing:
        killing.setattr(inboxes, "_move", kill)
        with pytest.raises(KeyboardInterrupt):
            look(inbox, store)
    assert names(inbox) == ["bad.npz", "quarantine/bad.npz.reason.txt"]
    look(inbox, store)
    assert names(inbox) == ["quarantine/bad.npz", "quarantine/bad.npz.reason.txt"]


def test_a_run_killed_before_the_note_has_accepted_nothing(inbox, store, monkeypatch):
    (inbox / "monday.npz").write_bytes(npz(*squares(50, seed=3)))
    with monkeypatch.context() as killing:
        killing.setattr(batches, "write_checksummed", kill)
        with pytest.raises(KeyboardInterrupt):
            look(inbox, store)
    assert len(list(store.root.glob("arrays/batch-*"))) == 3
    assert used_batches(store) == ()
    assert look(inbox, store).new == ("monday.npz",)


def kill(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_damaged_note_is_named_and_the_batch_can_be_put_back(inbox, store):
    (inbox / "monday.npz").write_bytes(npz(*squares(50, seed=3)))
    batch = look(inbox, store).used[0]
    note = store.root / "batches" / batch.sha256
    note.write_bytes(note.read_bytes()[:-1])
    with pytest.raises(InputError) as error:
        look(inbox, store)
    assert str(error.value) == (
        f"{note} is damaged, or was signed by another --key; give that, or delete it and put the "
        "batch, which is lost, into the inbox again"
    )
    note.unlink()
    assert look(inbox, store).used == (batch,)


def test_a_damaged_array_is_named_with_its_note_and_its_batch(inbox, store):
    (inbox / "monday.npz").write_bytes(npz(*squares(50, seed=3)))
    batch = look(inbox, store).used[0]
    (store.root / batch.labels.path).unlink()
    with pytest.raises(InputError) as error:
        used_batches(store)
    assert str(error.value) == (
        f"{store.root / batch.labels.path} is missing or is not what was stored; delete "
        f"{store.root / 'batches' / batch.sha256} and put the batch monday.npz into the inbox again"
    )


def test_batches_are_used_in_the_order_in_which_they_were_accepted(inbox, store):
    for seed in range(3, 9):
        (inbox / f"{seed}.npz").write_bytes(npz(*squares(50, seed)))
        used = look(inbox, store).used
    for age, batch in enumerate(used):  # as a copy of the artifacts may have them
        os.utime(store.root / "batches" / batch.sha256, (1_000_000 - age,) * 2)
    assert used_batches(store) == used
    assert [batch.name for batch in used] == [f"{seed}.npz" for seed in range(3, 9)]
    digests = [batch.sha256 for batch in used]
    assert digests not in (sorted(digests), sorted(digests, reverse=True))
