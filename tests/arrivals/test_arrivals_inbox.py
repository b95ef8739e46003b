"""What lies in an inbox: which names are batches, on which file systems, and where bad ones go."""

import fsspec
import pytest
from conftest import squares
from deliveries import CLASSES, drop_pngs, look, names, npz

from tasks.arrivals.inbox import digest, open_inbox
from tasks.errors import InputError
from tasks.storage.store import Store

BAD = b"no zip"
NO_PICTURE = "is not a PNG, JPEG, WebP, BMP or TIFF file"
NOT_INTACT = "the file is not an intact .npz file: File is not a zip file"


def touch(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")


def found_in(folder):
    return {d.name: sorted(d.files) for d in open_inbox(str(folder), CLASSES).deliveries()}


def test_npz_files_folders_of_class_folders_and_loose_class_folders_are_batches(tmp_path):
    touch(tmp_path, "a.npz", "B.NPZ", "monday/3/a.png", "monday/4/b.PNG", "7/c.png", "0/d.png")
    assert found_in(tmp_path) == {
        "B.NPZ": ["B.NPZ"],
        "a.npz": ["a.npz"],
        "loose-pictures": ["0/d.png", "7/c.png"],
        "monday": ["3/a.png", "4/b.PNG"],
    }


def test_other_files_and_the_quarantine_are_no_batches(tmp_path):
    touch(tmp_path, "README", ".DS_Store", "a.png", "notes/a.png", "3/a.txt", "_SUCCESS")
    touch(tmp_path, "quarantine/a.npz", "quarantine/3/a.png", "monday/3/._a.png")
    assert found_in(tmp_path) == {}


def test_names_of_unfinished_files_wait_however_old_they_are(tmp_path):
    inbox = tmp_path / "inbox"
    touch(inbox, "a.npz.part", ".b.npz.x1", "_c.npz", "d.crdownload", "e.tmp")
    touch(inbox, "_f/3/a.png", "g/3/a.png", "g/3/b.png.part")
    assert look(inbox, Store(tmp_path / "artifacts")).unfinished == (
        *(".b.npz.x1", "_c.npz", "_f", "a.npz.part", "d.crdownload", "e.tmp", "g"),
    )


def test_a_digest_is_of_the_bytes_of_an_npz_and_of_names_and_bytes_of_a_folder(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"abc")
    touch(tmp_path, "monday/3/a.png", "tuesday/3/a.png", "friday/4/a.png")
    inbox = open_inbox(str(tmp_path), CLASSES)
    digests = {d.name: digest(d, inbox.read(d)) for d in inbox.deliveries()}
    assert digests["a.npz"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digests["monday"] == digests["tuesday"] != digests["friday"]


def test_a_digest_tells_two_files_from_one_that_looks_like_both(tmp_path):
    touch(tmp_path, "one/3/a.png", "two/3/a.png", "two/3/b.png")
    (tmp_path / "one/3/a.png").write_bytes(b"A3/b.png\0B")
    (tmp_path / "two/3/a.png").write_bytes(b"A")
    (tmp_path / "two/3/b.png").write_bytes(b"B")
    inbox = open_inbox(str(tmp_path), CLASSES)
    one, two = (digest(d, inbox.read(d)) for d in inbox.deliveries())
    assert one != two


def test_an_inbox_in_memory_is_taken_in_as_one_on_disk(tmp_path):
    fs, root = fsspec.url_to_fs(f"memory://{tmp_path.name}")
    store = Store(tmp_path / "artifacts")
    fs.pipe_file(f"{root}/good.npz", npz(*squares(50, seed=3)))
    fs.pipe_file(f"{root}/bad[1].npz", BAD)
    fs.pipe_file(f"{root}/bad1.npz", npz(*squares(50, seed=4)))
    fs.pipe_file(f"{root}/monday/3/a.png", b"no image")
    found = look(f"memory://{tmp_path.name}", store)
    assert found.new == ("bad1.npz", "good.npz")
    assert found.quarantined == (
        ("bad[1].npz", NOT_INTACT),
        ("monday", f"3/a.png {NO_PICTURE}"),
    )
    assert [path.removeprefix(f"{root}/") for path in fs.find(root)] == [
        "bad1.npz",
        "good.npz",
        "quarantine/bad[1].npz",
        "quarantine/bad[1].npz.reason.txt",
        "quarantine/monday.reason.txt",
        "quarantine/monday/3/a.png",
    ]


def test_a_file_that_is_young_in_memory_waits(tmp_path):
    fs, root = fsspec.url_to_fs(f"memory://{tmp_path.name}")
    fs.pipe_file(f"{root}/bad.npz", BAD)
    found = look(f"memory://{tmp_path.name}", Store(tmp_path / "artifacts"), settle=3600)
    assert found.unfinished == ("bad.npz",)


def test_the_quarantine_never_overwrites(tmp_path):
    inbox, store = tmp_path / "inbox", Store(tmp_path / "artifacts")
    inbox.mkdir()
    for content in (BAD, b"also bad", b"bad again"):
        (inbox / "monday.npz").write_bytes(content)
        look(inbox, store)
    assert names(inbox) == [
        *("quarantine/monday-2.npz", "quarantine/monday-2.npz.reason.txt"),
        *("quarantine/monday-3.npz", "quarantine/monday-3.npz.reason.txt"),
        *("quarantine/monday.npz", "quarantine/monday.npz.reason.txt"),
    ]
    assert (inbox / "quarantine/monday.npz").read_bytes() == BAD
    assert (inbox / "quarantine/monday-3.npz").read_bytes() == b"bad again"


def test_the_reason_of_a_batch_that_was_taken_out_is_kept(tmp_path):
    inbox, store = tmp_path / "inbox", Store(tmp_path / "artifacts")
    touch(inbox, "quarantine/monday.npz.reason.txt")
    (inbox / "quarantine/monday.npz.reason.txt").write_text("Another reason.\n")
    (inbox / "monday.npz").write_bytes(BAD)
    look(inbox, store)
    assert names(inbox / "quarantine") == [
        *("monday-2.npz", "monday-2.npz.reason.txt", "monday.npz.reason.txt"),
    ]
    assert (inbox / "quarantine/monday.npz.reason.txt").read_text() == "Another reason.\n"


def test_loose_class_folders_are_set_aside_together(tmp_path):
    inbox = tmp_path / "inbox"
    drop_pngs(inbox, *squares(10, seed=3))
    (inbox / "4/bad.png").write_bytes(b"no image")
    found = look(inbox, Store(tmp_path / "artifacts"))
    assert found.quarantined == (("loose-pictures", f"4/bad.png {NO_PICTURE}"),)
    assert len(names(inbox / "quarantine/loose-pictures")) == 11
    assert [path.name for path in inbox.iterdir()] == ["quarantine"]


def test_a_bad_batch_that_cannot_be_moved_is_reported_and_the_rest_goes_on(tmp_path):
    inbox = tmp_path / "inbox"
    touch(inbox, "quarantine")
    (inbox / "a.npz").write_bytes(BAD)
    (inbox / "b.npz").write_bytes(npz(*squares(50, seed=3)))
    found = look(inbox, Store(tmp_path / "artifacts"))
    assert found.new == ("b.npz",)
    assert [name for name, _ in found.quarantined] == ["a.npz"]
    assert found.quarantined[0][1].startswith(
        f"{NOT_INTACT} (it could not be moved to quarantine: "
    )
    assert (inbox / "a.npz").read_bytes() == BAD


@pytest.mark.parametrize("url", ["missing", "memory://missing-inbox"])
def test_an_inbox_that_does_not_exist_is_named(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        look(url, Store(tmp_path / "artifacts"))
    assert str(error.value) == f"the inbox {url} does not exist; make the folder"


def test_an_inbox_that_is_a_file_is_named(tmp_path):
    (tmp_path / "a.npz").write_bytes(BAD)
    with pytest.raises(InputError, match=r"the inbox .*a\.npz is a file where a folder is right"):
        look(tmp_path / "a.npz", Store(tmp_path / "artifacts"))


@pytest.mark.parametrize(
    ("url", "why"),
    [("nowhere://a", "Protocol not known: nowhere"), ("ftp://127.0.0.1:1/a", "Connection refused")],
)
def test_a_storage_that_cannot_be_reached_is_one_sentence(url, why, tmp_path):
    with pytest.raises(InputError, match=rf"^the inbox {url} cannot be read \(.*{why}.*\); give a"):
        look(url, Store(tmp_path / "artifacts"))
