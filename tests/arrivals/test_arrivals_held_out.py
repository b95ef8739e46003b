"""A share of each accepted batch is held out for good, whatever happens to its delivery."""

from contextlib import suppress

import numpy as np
import pytest
from conftest import squares
from deliveries import Looked, base, look, npz, used_batches

from tasks.arrivals import batch as batches
from tasks.arrivals.batch import Part, count_parts, read_notes
from tasks.arrivals.review import decide
from tasks.data.held_out import fingerprints
from tasks.data.near import near_duplicates
from tasks.data.splits import rows_by_part
from tasks.errors import InputError
from tasks.extend import extend
from tasks.schemas.references import Split
from tasks.storage.execution import Executing, called_by
from tasks.storage.store import Store

HISTORIES = 12


@pytest.fixture
def inbox(tmp_path):
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def arrive(inbox, store: Store) -> Looked:
    return look(inbox, store, hold_out=0.2)


def sides(store: Store) -> tuple[set[bytes], set[bytes]]:
    """Fingerprints of all that arrived to be trained on, and to be tested on."""
    parts = [[one.part(store, held_out=held_out)[0] for one in used_batches(store)]
             for held_out in (False, True)]  # fmt: skip
    train, test = ({one for some in part for one in fingerprints(some)} for part in parts)
    return train, test


def images_of(store: Store, *, held_out: bool) -> np.ndarray:
    return np.concatenate([one.part(store, held_out=held_out)[0] for one in used_batches(store)])


def test_a_fifth_of_each_class_is_held_out(inbox, tmp_path):
    store = Store(tmp_path / "artifacts")
    (inbox / "monday.npz").write_bytes(npz(*squares(200, seed=3)))
    assert arrive(inbox, store).new == ("monday.npz",)
    (monday,) = used_batches(store)
    assert np.bincount(monday.part(store, held_out=True)[1]).tolist() == [4] * 10
    assert np.bincount(monday.part(store, held_out=False)[1]).tolist() == [16] * 10


def test_it_is_known_where_held_out_images_are_from(inbox, tmp_path):
    store = Store(tmp_path / "artifacts")
    (inbox / "monday.npz").write_bytes(npz(*squares(200, seed=3)))
    used = arrive(inbox, store).used
    published = base(store).images
    labels = [store.array(published.test.labels), used[0].part(store, held_out=True)[1]]
    rows = np.flatnonzero(np.isin(np.concatenate(labels), (3, 5)))
    parts = rows_by_part(count_parts(store, published.test, used), rows)
    assert list(parts) == [
        "the published test images",
        f"monday.npz ({used[0].sha256[:8]})",
    ]
    first, second = parts.values()
    assert first.tolist() == [True] * 20 + [False] * 8
    assert (~first == second).all()


def test_a_batch_is_stored_once_however_often_it_is_trained_on(inbox, tmp_path):
    store = Store(tmp_path / "artifacts")
    (inbox / "monday.npz").write_bytes(npz(*squares(200, seed=3)))
    (monday,) = arrive(inbox, store).used
    published = base(store).images
    stored = set(tmp_path.rglob("*.npy"))
    with called_by(Executing(store)):
        whole = extend(published, (monday,))
    assert set(tmp_path.rglob("*.npy")) == stored
    for (_, before), (name, split) in zip(published, whole, strict=True):
        images, labels = monday.part(store, held_out=name == "test")
        joined = np.concatenate([store.array(before.inputs), images])
        assert (store.array(split.inputs) == joined).all()
        joined = np.concatenate([store.array(before.labels), labels])
        assert (store.array(split.labels) == joined).all()


def test_a_batch_of_version_0_2_is_trained_on_as_a_whole(tmp_path):
    store = Store(tmp_path)
    images, labels = squares(50, seed=3)
    nothing = np.zeros(50, bool)
    batches.remember(
        store, "old.npz", "ab", Part("", images, labels, nothing, labels), tuple(range(10))
    )
    (old,) = used_batches(store)
    old = old.model_copy(update={"held_out": None})
    assert [len(old.part(store, held_out=held_out)[1]) for held_out in (False, True)] == [50, 0]
    parts = count_parts(store, Split(inputs=old.images, labels=old.labels), [old])
    rows = np.flatnonzero(np.isin(store.array(old.labels), (0, 1)))
    assert list(rows_by_part(parts, rows)) == ["the published test images"]


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_no_history_moves_an_image_to_the_other_side(inbox, tmp_path, monkeypatch, seed):
    """Batches arrive, runs are killed, and what arrived before is delivered again, shifted, or in
    part; half of what is set aside is approved."""
    rng, store = np.random.default_rng(seed), Store(tmp_path / "artifacts")
    delivered: list[tuple[np.ndarray, np.ndarray]] = []
    before: tuple[set[bytes], set[bytes]] = (set(), set())
    for step in range(5):
        images, labels = squares(60, seed=1_000 + 10 * seed + step)
        images[:6], labels[:6] = np.roll(images[6:12], 1, axis=2), labels[6:12]
        if delivered and len(delivered[-1][1]) >= 6:
            images[12:18], labels[12:18] = (some[-6:] for some in delivered[-1])
            images[12:18] += 1
        if delivered and rng.random() < 0.5:
            images, labels = mixed(images, labels, *delivered[rng.integers(len(delivered))], rng)
        (inbox / f"{rng.integers(3)}.npz").write_bytes(npz(images, labels))
        delivered.append((images, labels))
        if rng.random() < 0.3:
            with monkeypatch.context() as killing, suppress(KeyboardInterrupt):
                killing.setattr(batches, "write_checksummed", kill)
                arrive(inbox, store)
        arrive(inbox, store)
        for note in read_notes(store):
            if note.state == "waiting" and rng.random() < 0.5:
                with suppress(InputError):  # where all of it arrived again, and was accepted
                    decide(store, "approve", note.batch.sha256, "it is good")
        train, test = sides(store)
        assert not train & test
        assert before[0] <= train
        assert before[1] <= test
        before = train, test
    parts = [images_of(store, held_out=held_out) for held_out in (False, True)]
    assert len(parts[1])
    assert (near_duplicates(*parts) == -1).all()


def mixed(
    images: np.ndarray,
    labels: np.ndarray,
    old_images: np.ndarray,
    old_labels: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """What arrived before, or some of it, by itself or behind what is new."""
    new, part = rng.integers(2) * 60, rng.random(len(old_labels)) < rng.choice([0.2, 1.0])
    part[0] = True
    return (
        np.concatenate([images[:new], old_images[part]]),
        np.concatenate([labels[:new], old_labels[part]]),
    )


def kill(*anything: object) -> None:
    raise KeyboardInterrupt
