"""What may lie in an inbox beside good batches: it concerns nobody else, and nothing hangs."""

import json
import os
import zipfile
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import boto3
import fsspec
import numpy as np
import pytest
from buckets import S3Server
from conftest import squares
from deliveries import Looked, drop_pngs, look, names, npz, png

from tasks.arrivals.inbox import read
from tasks.errors import InputError

# the byte E9, no UTF-8 by itself, as Python has it in the name of a file, and as it is shown
CAFE, SHOWN = "caf\udce9", "caf\\udce9"
NO_PICTURE = "is not a PNG, JPEG, WebP, BMP or TIFF file"


@pytest.fixture
def good(inbox: Path) -> Path:
    """A batch that is accepted, whatever lies beside it."""
    path = inbox / "zz-good.npz"
    path.write_bytes(npz(*squares(50, seed=3)))
    return path


def broken_bz2() -> bytes:
    """A .npz whose arrays are compressed with bz2, with some of that overwritten."""
    buffer = BytesIO()
    images, labels = squares(50, seed=4)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        for name, array in (("images", images), ("labels", labels)):
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array)
    content = bytearray(buffer.getvalue())
    content[60:90] = bytes(30)
    return bytes(content)


def test_broken_bz2_data_are_set_aside(inbox, store, good):
    (inbox / "bad.npz").write_bytes(broken_bz2())
    found = look(inbox, store)
    assert found.new == (good.name,)
    reason = "the file: images is compressed as NumPy never does; use np.savez_compressed"
    assert found.quarantined == (("bad.npz", reason),)


def sent(found: Looked) -> str:
    """What came of a look, as JSON in UTF-8, which cannot have every name of a file."""
    used = [batch.model_dump(mode="json") for batch in found.used]
    told = [used, found.new, found.quarantined, found.unfinished]
    return json.dumps(told, ensure_ascii=False).encode().decode()


def test_names_that_are_not_utf_8_are_taken_and_shown_in_print(inbox, store, good):
    (inbox / f"{CAFE}.npz").write_bytes(npz(*squares(50, seed=4)))
    drop_pngs(inbox / CAFE, *squares(30, seed=5))
    drop_pngs(inbox / "named", *squares(30, seed=6), name=CAFE)
    found = look(inbox, store)
    assert found.new == (SHOWN, f"{SHOWN}.npz", "named", good.name)
    assert SHOWN in json.loads(sent(found))[1]
    assert look(inbox, store).used == found.used


def test_bad_batches_whose_names_are_not_utf_8_are_set_aside_and_shown_in_print(inbox, store, good):
    (inbox / f"{CAFE}.npz").write_bytes(b"no zip")
    drop_pngs(inbox / CAFE, *squares(30, seed=5))
    (inbox / CAFE / "3" / f"{CAFE}.png").write_bytes(b"no image")
    (inbox / f"{CAFE}.part").touch()
    found = look(inbox, store)
    assert found.new == (good.name,)
    assert found.quarantined == (
        (SHOWN, f"3/{SHOWN}.png {NO_PICTURE}"),
        (f"{SHOWN}.npz", "the file is not an intact .npz file: File is not a zip file"),
    )
    assert found.unfinished == (f"{SHOWN}.part",)
    assert SHOWN in json.loads(sent(found))[3][0]
    assert (inbox / "quarantine" / SHOWN / "3" / f"{CAFE}.png").read_bytes() == b"no image"
    reason = (inbox / "quarantine" / f"{SHOWN}.reason.txt").read_text()
    assert reason.startswith(f"{SHOWN} was not used: 3/{SHOWN}.png {NO_PICTURE}.\n")
    assert not (inbox / f"{CAFE}.npz").exists()


def test_a_folder_thousands_deep_is_set_aside(inbox, store, good, deep_folder):
    drop_pngs(deep_folder, *squares(30, seed=5))
    found = look(inbox, store)
    assert found.new == (good.name,)
    assert [name for name, _ in found.quarantined] == ["deep"]
    assert found.quarantined[0][1].endswith(
        "/in/in lies more than 100 folders deep where class folders with files are right"
    )
    assert sorted(path.name for path in inbox.iterdir()) == ["quarantine", good.name]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder outside the inbox: a good batch as a file and as a folder."""
    drop_pngs(tmp_path / "elsewhere" / "batch", *squares(30, seed=5))
    (tmp_path / "elsewhere" / "batch.npz").write_bytes(npz(*squares(50, seed=4)))
    return tmp_path / "elsewhere"


@pytest.mark.parametrize(
    ("name", "target", "reason"),
    [
        ("a.npz", "/dev/zero", "it is a link where a regular file is right"),
        ("a.npz", "elsewhere/batch.npz", "it is a link where a regular file is right"),
        ("a.npz", "missing", "it is a link where a regular file is right"),
        ("a", "elsewhere/batch", "it is a link where class folders with files are right"),
        ("a/3", "elsewhere/batch/3", "3 is a link where class folders with files are right"),
        ("a/3/b.png", "/dev/zero", "3/b.png is a link where a regular file is right"),
        ("a/3/b.png", "elsewhere/batch/3/image-003.png", "3/b.png is a link where a regular"),
    ],
)
def test_links_are_set_aside_and_not_followed(inbox, store, good, elsewhere, name, target, reason):
    (inbox / name).parent.mkdir(parents=True, exist_ok=True)
    (inbox / name).symlink_to(elsewhere.parent / target)
    before = names(elsewhere)
    found = look(inbox, store)
    assert found.new == (good.name,)
    ((rejected, said),) = found.quarantined
    assert rejected == name.partition("/")[0]
    assert said.startswith(reason)
    assert (inbox / "quarantine" / name).is_symlink()
    assert names(elsewhere) == before


def test_a_link_to_nowhere_in_the_quarantine_is_not_overwritten(inbox, store):
    for target in ("first", "second"):
        (inbox / "a.npz").symlink_to(target)
        look(inbox, store)
    quarantine = inbox / "quarantine"
    assert (quarantine / "a.npz").readlink() == Path("first")
    assert (quarantine / "a-2.npz").readlink() == Path("second")


@pytest.mark.parametrize(("name", "path"), [("a.npz", "it"), ("a/3/b.png", "3/b.png")])
def test_a_pipe_is_set_aside_and_not_waited_for(inbox, store, good, name, path):
    drop_pngs(inbox / "a", *squares(30, seed=5))
    os.mkfifo(inbox / name)
    found = look(inbox, store)
    assert good.name in found.new
    reason = f"{path} is a pipe, a device or a socket where a regular file is right"
    assert found.quarantined == ((name.partition("/")[0], reason),)
    assert (inbox / "quarantine" / name).is_fifo()


def test_folders_that_are_no_batches_are_left_whatever_they_hold(inbox, store):
    (inbox / "notes").mkdir()
    (inbox / "notes" / "link").symlink_to("/")
    os.mkfifo(inbox / "notes" / "a.png")
    found = look(inbox, store)
    assert (found.new, found.quarantined, found.unfinished) == ((), (), ())


def test_what_became_something_else_since_it_was_listed_is_not_read(tmp_path):
    fs = fsspec.filesystem("file")
    (tmp_path / "grown").write_bytes(b"123456")
    (tmp_path / "link").symlink_to("grown")
    os.mkfifo(tmp_path / "pipe")
    assert read(fs, f"{tmp_path}/grown", 6) == b"123456"
    with pytest.raises(OSError, match=r"grown has more than the 5 bytes that were expected"):
        read(fs, f"{tmp_path}/grown", 5)
    with pytest.raises(OSError, match="symbolic link"):
        read(fs, f"{tmp_path}/link", 6)
    with pytest.raises(InputError, match="pipe is not a regular file"):
        read(fs, f"{tmp_path}/pipe", 6)


@pytest.fixture
def remote_inbox(s3_server: S3Server) -> str:
    """An inbox in a bucket: good batches, one that the server will not give, and a bad one."""
    client, bucket = boto3.client("s3"), f"bucket-{uuid4().hex}"
    client.create_bucket(Bucket=bucket)
    images, _ = squares(30, seed=5)
    contents = {
        "good.npz": npz(*squares(50, seed=3)),
        "[ok]/3/a.png": png(images[3]),
        "bad.npz": b"",
        "secret.npz": npz(*squares(50, seed=4)),
        "hidden/3/a.png": b"",
    }
    for name, content in contents.items():
        client.put_object(Bucket=bucket, Key=f"inbox/{name}", Body=content)
    s3_server.refuses = lambda request: (
        request.startswith("GET") and ("secret" in request or "prefix=inbox%2Fhidden" in request)
    )
    return f"s3://{bucket}/inbox"


def test_a_remote_file_or_folder_that_cannot_be_read_waits_alone(remote_inbox, store):
    found = look(remote_inbox, store)
    assert found.new == ("[ok]", "good.npz")
    assert found.unfinished == ("hidden", "secret.npz")
    assert [name for name, _ in found.quarantined] == ["bad.npz"]
