import gzip
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks.data.mnist import (
    DownloadError,
    Edition,
    Mirror,
    Patience,
    PublishedFile,
    fetch,
    find_mnist,
    keras_datasets_folder,
)
from tasks.errors import InputError

ONCE = Patience(rounds=1, pause=0, deadline=5, timeout=5)
THRICE = replace(ONCE, rounds=3)


def published(name: str, path: str, content: bytes) -> PublishedFile:
    return PublishedFile(name, path, len(content), hashlib.sha256(content).hexdigest())


NPZ = bytes(range(256)) * 40
IMAGES, LABELS = b"images" * 1000, b"labels" * 100
NPZ_EDITION = Edition("mnist.npz", (published("mnist.npz", "mnist.npz", NPZ),))
IDX_EDITION = Edition(
    "mnist-idx",
    (
        published("images.gz", "mnist-idx/images", IMAGES),
        published("labels.gz", "mnist-idx/labels", LABELS),
    ),
)


class Server(ThreadingHTTPServer):
    """Answers each path from `replies`, and remembers what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.replies: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        self.released = threading.Event()

    def hang(self, _: BaseHTTPRequestHandler) -> None:
        self.released.wait()

    def mirror(self, folder: str, edition: Edition) -> Mirror:
        return Mirror(f"{self.url}/{folder}/", edition)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.replies.get(self.path, status(404))(self)

    def log_message(self, *_: object) -> None:
        """Keeps the output of the tests clean."""


def status(code: int) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: handler.send_error(code)


def body(content: bytes, length: int | None = None) -> Callable[[BaseHTTPRequestHandler], None]:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.end_headers()
        handler.wfile.write(content)

    return reply


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Sends zeros, without a length, for as long as somebody listens."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(bytes(65536))
    except OSError:
        return


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.released.set()
        server.shutdown()


def keep(content: bytes, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_takes_what_is_cached_without_asking(tmp_path, server):
    (tmp_path / "mnist.npz").write_bytes(NPZ)

    found = find_mnist(ONCE, tmp_path, [server.mirror("a", NPZ_EDITION)])

    assert found == tmp_path / "mnist.npz"
    assert server.asked == []


def test_takes_cached_idx_files_where_there_is_no_npz(tmp_path, server):
    keep(IMAGES, tmp_path / "mnist-idx/images")
    keep(LABELS, tmp_path / "mnist-idx/labels")
    mirrors = [server.mirror("a", NPZ_EDITION), server.mirror("b", IDX_EDITION)]

    assert find_mnist(ONCE, tmp_path, mirrors) == tmp_path / "mnist-idx"
    assert server.asked == []


def test_downloads_into_a_cache_that_does_not_exist_yet(tmp_path, server):
    server.replies = {"/a/mnist.npz": body(NPZ)}

    found = find_mnist(ONCE, tmp_path / "new", [server.mirror("a", NPZ_EDITION)])

    assert found == tmp_path / "new/mnist.npz"
    assert contents(tmp_path) == {"new/mnist.npz": NPZ}


def test_what_is_downloaded_may_be_read_by_whoever_the_umask_allows(tmp_path, server):
    server.replies = {"/a/mnist.npz": body(NPZ)}
    (tmp_path / "usual").touch()

    found = find_mnist(ONCE, tmp_path, [server.mirror("a", NPZ_EDITION)])

    assert found.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_reports_and_replaces_a_damaged_cached_file(tmp_path, server, caplog):
    (tmp_path / "mnist.npz").write_bytes(NPZ[:-1] + b"?")
    server.replies = {"/a/mnist.npz": body(NPZ)}

    with caplog.at_level(logging.WARNING):
        find_mnist(ONCE, tmp_path, [server.mirror("a", NPZ_EDITION)])

    assert f"{tmp_path}/mnist.npz is damaged" in caplog.text
    assert contents(tmp_path) == {"mnist.npz": NPZ}


FAILURES = {
    "HTTP status 404": status(404),
    "HTTP status 500": status(500),
    "not the published file": body(NPZ[:-1] + b"?"),
    "more than the published 10240 bytes": body(NPZ + b"?"),
    "('Connection broken: IncompleteRead": body(NPZ[:-1], length=len(NPZ)),
}


@pytest.mark.parametrize("reason", FAILURES)
def test_a_failing_mirror_is_followed_by_the_next(tmp_path, server, reason):
    server.replies = {
        "/a/mnist.npz": FAILURES[reason],
        "/b/images.gz": body(gzip.compress(IMAGES)),
        "/b/labels.gz": body(gzip.compress(LABELS)),
    }
    mirrors = [server.mirror("a", NPZ_EDITION), server.mirror("b", IDX_EDITION)]

    assert find_mnist(ONCE, tmp_path, mirrors) == tmp_path / "mnist-idx"
    assert contents(tmp_path) == {"mnist-idx/images": IMAGES, "mnist-idx/labels": LABELS}


@pytest.mark.parametrize("reason", FAILURES)
def test_when_all_fail_one_sentence_says_what_was_tried(tmp_path, server, reason):
    server.replies = {"/a/mnist.npz": FAILURES[reason]}

    with pytest.raises(InputError) as caught:
        find_mnist(ONCE, tmp_path, [server.mirror("a", NPZ_EDITION)])

    assert f"MNIST is not in {tmp_path}" in str(caught.value)
    assert f"{server.url}/a/mnist.npz: {reason}" in str(caught.value)
    assert "--dataset PATH" in str(caught.value)
    assert "--dataset digits" in str(caught.value)
    assert contents(tmp_path) == {}


def test_an_endless_answer_is_cut_off(tmp_path, server):
    server.replies = {"/mnist.npz": endless}

    with pytest.raises(DownloadError, match="more than the published 10240 bytes"):
        fetch(f"{server.url}/mnist.npz", NPZ_EDITION.files[0], tmp_path, timeout=5)

    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (gzip.compress(bytes(50_000_000)), "more than the published 600 bytes"),
        (gzip.compress(LABELS)[:20], "not the published file"),
        (LABELS, "incorrect header check"),
        (gzip.compress(LABELS) + bytes(200_000), "more than the published 600 bytes"),
    ],
    ids=["bomb", "truncated", "not gzip", "followed"],
)
def test_bad_gzip_is_refused(tmp_path, server, packed, reason):
    server.replies = {"/labels.gz": body(packed)}

    with pytest.raises(DownloadError, match=f"{server.url}/labels.gz: .*{reason}"):
        fetch(f"{server.url}/labels.gz", IDX_EDITION.files[1], tmp_path, timeout=5)

    assert contents(tmp_path) == {}


def test_a_stalled_download_times_out(tmp_path, server):
    def stall(handler: BaseHTTPRequestHandler) -> None:
        body(NPZ[:100], length=len(NPZ))(handler)
        server.hang(handler)

    server.replies = {"/mnist.npz": stall}

    with pytest.raises(DownloadError, match="timed out"):
        fetch(f"{server.url}/mnist.npz", NPZ_EDITION.files[0], tmp_path, timeout=0.1)


def test_a_redirection_is_followed(tmp_path, server):
    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/b")
        handler.end_headers()

    server.replies = {"/a": redirect, "/b": body(NPZ)}

    fetch(f"{server.url}/a", NPZ_EDITION.files[0], tmp_path, timeout=5)

    assert contents(tmp_path) == {"mnist.npz": NPZ}


def test_silent_mirrors_are_given_up_at_one_common_deadline(tmp_path, server):
    server.replies = {f"/{folder}/mnist.npz": server.hang for folder in "abc"}
    mirrors = [server.mirror(folder, NPZ_EDITION) for folder in "abc"]
    brief = Patience(rounds=1, pause=0, deadline=0.2, timeout=5)

    start = time.monotonic()
    with pytest.raises(InputError, match=r"no answer within 0\.2 s|timed out"):
        find_mnist(brief, tmp_path, mirrors)

    assert time.monotonic() - start < 4


def test_a_silent_mirror_does_not_keep_one_that_answers_from_use(tmp_path, server):
    server.replies = {"/a/mnist.npz": server.hang, "/b/mnist.npz": body(NPZ)}
    mirrors = [server.mirror(folder, NPZ_EDITION) for folder in "ab"]

    find_mnist(replace(ONCE, deadline=2), tmp_path, mirrors)

    assert contents(tmp_path) == {"mnist.npz": NPZ}


def test_a_later_round_takes_a_mirror_that_has_recovered(tmp_path, server):
    def second_time(handler: BaseHTTPRequestHandler) -> None:
        (body(NPZ) if len(server.asked) > 2 else status(503))(handler)

    server.replies = {"/a/mnist.npz": second_time}

    find_mnist(THRICE, tmp_path, [server.mirror("a", NPZ_EDITION)])

    assert contents(tmp_path) == {"mnist.npz": NPZ}


def test_the_pause_doubles_before_each_further_round(tmp_path, server, monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr("tasks.data.mnist.time.sleep", pauses.append)

    with pytest.raises(InputError):
        find_mnist(replace(ONCE, rounds=4, pause=1), tmp_path, [server.mirror("a", NPZ_EDITION)])

    assert pauses == [1, 2, 4]


def test_only_missing_files_of_an_edition_are_downloaded(tmp_path, server):
    keep(IMAGES, tmp_path / "mnist-idx/images")
    server.replies = {
        "/b/images.gz": status(200),
        "/b/labels.gz": body(gzip.compress(LABELS)),
    }

    find_mnist(ONCE, tmp_path, [server.mirror("b", IDX_EDITION)])

    assert contents(tmp_path) == {"mnist-idx/images": IMAGES, "mnist-idx/labels": LABELS}


def test_an_interrupted_download_leaves_the_old_file_and_no_other(tmp_path, server, monkeypatch):
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    (tmp_path / "mnist.npz").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", interrupted)
    server.replies = {"/a/mnist.npz": body(NPZ)}

    with pytest.raises(KeyboardInterrupt):
        find_mnist(ONCE, tmp_path, [server.mirror("a", NPZ_EDITION)])

    assert contents(tmp_path) == {"mnist.npz": b"old"}


def test_a_cache_that_cannot_be_written_is_told(tmp_path, server):
    (tmp_path / "file").write_bytes(b"")
    server.replies = {"/a/mnist.npz": body(NPZ)}

    with pytest.raises(InputError, match=f"'{tmp_path}/file'"):
        find_mnist(ONCE, tmp_path / "file", [server.mirror("a", NPZ_EDITION)])


def test_the_cache_is_keras_s(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert keras_datasets_folder() == tmp_path / ".keras/datasets"

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert keras_datasets_folder() == tmp_path / "keras/datasets"
