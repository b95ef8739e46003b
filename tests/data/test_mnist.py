import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks.data import mnist
from tasks.data.mnist import Mirror, download, find_mnist, keras_datasets_folder
from tasks.errors import InputError

NPZ = bytes(range(256)) * 40
IMAGES, LABELS = b"images" * 1000, b"labels" * 100


def published(**files: bytes) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


NPZ_FILES = published(**{"mnist.npz": NPZ})
IDX_FILES = published(images=IMAGES, labels=LABELS)


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """Seconds before each retry, for which nothing waits."""
    pauses = list[float]()
    monkeypatch.setattr("pooch.core.time.sleep", pauses.append)
    return pauses


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

    def mirror(self, folder: str, files: dict[str, str]) -> Mirror:
        return Mirror(f"{self.url}/{folder}/", "" if files is NPZ_FILES else "mnist-gz", files)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.replies.get(self.path, status(404))(self)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Keeps the output of the tests clean."""


def status(code: int) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: handler.send_error(code)


def body(content: bytes, length: int | None = None) -> Callable[[BaseHTTPRequestHandler], None]:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(content)

    return reply


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

    found = find_mnist(False, tmp_path, [server.mirror("a", NPZ_FILES)])

    assert found == tmp_path / "mnist.npz"
    assert server.asked == []


def test_takes_cached_idx_files_where_there_is_no_npz(tmp_path, server):
    keep(IMAGES, tmp_path / "mnist-gz/images")
    keep(LABELS, tmp_path / "mnist-gz/labels")
    mirrors = [server.mirror("a", NPZ_FILES), server.mirror("b", IDX_FILES)]

    assert find_mnist(False, tmp_path, mirrors) == tmp_path / "mnist-gz"
    assert server.asked == []


def test_downloads_into_a_cache_that_does_not_exist_yet(tmp_path, server):
    server.replies = {"/a/mnist.npz": body(NPZ)}

    found = find_mnist(False, tmp_path / "new", [server.mirror("a", NPZ_FILES)])

    assert found == tmp_path / "new/mnist.npz"
    assert contents(tmp_path) == {"new/mnist.npz": NPZ}


def test_what_is_downloaded_may_be_read_by_whoever_the_umask_allows(tmp_path, server):
    server.replies = {"/a/mnist.npz": body(NPZ)}
    (tmp_path / "usual").touch()

    found = find_mnist(False, tmp_path, [server.mirror("a", NPZ_FILES)])

    assert found.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_replaces_a_damaged_cached_file(tmp_path, server):
    (tmp_path / "mnist.npz").write_bytes(NPZ[:-1] + b"?")
    server.replies = {"/a/mnist.npz": body(NPZ)}

    find_mnist(False, tmp_path, [server.mirror("a", NPZ_FILES)])

    assert contents(tmp_path) == {"mnist.npz": NPZ}


FAILURES = {
    "404 Client Error": status(404),
    "500 Server Error": status(500),
    "not the published file": body(NPZ[:-1] + b"?"),
    "('Connection broken: IncompleteRead": body(NPZ[:-1], length=len(NPZ)),
}


@pytest.mark.parametrize("reason", FAILURES)
def test_a_failing_mirror_is_followed_by_the_next(tmp_path, server, reason):
    server.replies = {
        "/a/mnist.npz": FAILURES[reason],
        "/b/images": body(IMAGES),
        "/b/labels": body(LABELS),
    }
    mirrors = [server.mirror("a", NPZ_FILES), server.mirror("b", IDX_FILES)]

    assert find_mnist(False, tmp_path, mirrors) == tmp_path / "mnist-gz"
    assert contents(tmp_path) == {"mnist-gz/images": IMAGES, "mnist-gz/labels": LABELS}


@pytest.mark.parametrize("reason", FAILURES)
def test_when_all_fail_one_sentence_says_what_was_tried(tmp_path, server, pauses, reason):
    server.replies = {"/a/mnist.npz": FAILURES[reason]}

    with pytest.raises(InputError) as caught:
        find_mnist(True, tmp_path, [server.mirror("a", NPZ_FILES)])

    assert f"MNIST is not intact in {tmp_path}" in str(caught.value)
    assert f"{server.url}/a/: {reason}" in str(caught.value)
    assert "--dataset PATH" in str(caught.value)
    assert "--dataset digits" in str(caught.value)
    assert contents(tmp_path) == {}
    assert len(server.asked) == 1 + len(pauses) == 1 + mnist.RETRIES


def test_a_stalled_download_times_out(tmp_path, server, monkeypatch):
    def stall(handler: BaseHTTPRequestHandler) -> None:
        body(NPZ[:100], length=len(NPZ))(handler)
        server.hang(handler)

    monkeypatch.setattr(mnist, "SECONDS_TO_READ", 0.1)
    server.replies = {"/a/mnist.npz": stall}

    with pytest.raises(OSError, match="timed out"):
        download(server.mirror("a", NPZ_FILES), tmp_path)


def test_a_redirection_is_followed(tmp_path, server):
    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/b")
        handler.end_headers()

    server.replies = {"/a/mnist.npz": redirect, "/b": body(NPZ)}

    find_mnist(False, tmp_path, [server.mirror("a", NPZ_FILES)])

    assert contents(tmp_path) == {"mnist.npz": NPZ}


def test_silent_mirrors_are_given_up_at_one_common_deadline(tmp_path, server, monkeypatch):
    server.replies = {f"/{folder}/mnist.npz": server.hang for folder in "abc"}
    mirrors = [server.mirror(folder, NPZ_FILES) for folder in "abc"]
    monkeypatch.setattr(mnist, "SECONDS_TO_ANSWER", 0.2)

    start = time.monotonic()
    with pytest.raises(InputError, match=r"no mirror answers within 0\.2 s"):
        find_mnist(False, tmp_path, mirrors)

    assert time.monotonic() - start < 4


def test_a_silent_mirror_does_not_keep_one_that_answers_from_use(tmp_path, server, monkeypatch):
    server.replies = {"/a/mnist.npz": server.hang, "/b/mnist.npz": body(NPZ)}
    mirrors = [server.mirror(folder, NPZ_FILES) for folder in "ab"]
    monkeypatch.setattr(mnist, "SECONDS_TO_ANSWER", 2)

    find_mnist(False, tmp_path, mirrors)

    assert contents(tmp_path) == {"mnist.npz": NPZ}


def test_who_is_patient_takes_a_mirror_that_has_recovered(tmp_path, server, pauses):
    def second_time(handler: BaseHTTPRequestHandler) -> None:
        (body(NPZ) if len(server.asked) > 1 else status(503))(handler)

    server.replies = {"/a/mnist.npz": second_time}

    find_mnist(True, tmp_path, [server.mirror("a", NPZ_FILES)])

    assert contents(tmp_path) == {"mnist.npz": NPZ}
    assert pauses == [1]


def test_only_missing_files_are_downloaded(tmp_path, server):
    keep(IMAGES, tmp_path / "mnist-gz/images")
    server.replies = {
        "/b/images": body(b"others"),
        "/b/labels": body(LABELS),
    }

    find_mnist(False, tmp_path, [server.mirror("b", IDX_FILES)])

    assert contents(tmp_path) == {"mnist-gz/images": IMAGES, "mnist-gz/labels": LABELS}


def test_an_interrupted_download_leaves_the_old_file_and_no_other(tmp_path, server, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "mnist.npz").write_bytes(b"old")
    monkeypatch.setattr("pooch.core.hash_matches", interrupted)
    server.replies = {"/a/mnist.npz": body(NPZ)}

    with pytest.raises(KeyboardInterrupt):
        find_mnist(False, tmp_path, [server.mirror("a", NPZ_FILES)])

    assert contents(tmp_path) == {"mnist.npz": b"old"}


def test_a_cache_that_cannot_be_written_is_told(tmp_path, server):
    (tmp_path / "file").write_bytes(b"")
    server.replies = {"/a/mnist.npz": body(NPZ)}

    with pytest.raises(InputError, match=f"'{tmp_path}/file"):
        find_mnist(False, tmp_path / "file", [server.mirror("a", NPZ_FILES)])


def test_the_cache_is_keras_s(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert keras_datasets_folder() == tmp_path / ".keras/datasets"

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert keras_datasets_folder() == tmp_path / "keras/datasets"
