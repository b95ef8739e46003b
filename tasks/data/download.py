"""Where MNIST is published, and how one of its files is fetched."""

import hashlib
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.storage.files import whole_file

if TYPE_CHECKING:
    import httpx


class DownloadError(Exception):
    """An address that did not give the file; the message names the address and the reason."""


@dataclass(frozen=True)
class PublishedFile:
    """A file as its publisher made it, under the name it is downloaded by.

    Attributes:
        name: its name on a mirror; one that ends in .gz is unpacked while it is received.
        path: where it is kept, relative to the folder of data sets.
        size: bytes, unpacked.
        sha256: hex digest, unpacked.
    """

    name: str
    path: str
    size: int
    sha256: str


def probe(urls: Sequence[str], deadline: float) -> dict[str, str]:
    """Asks all addresses at once whether they answer.

    Args:
        urls: the addresses.
        deadline: seconds after which an address counts as silent, whatever hangs.

    Returns:
        the reason why it failed for each address that did; none for those that answered.
    """
    failures = {url: f"{url}: no answer within {deadline:g} s" for url in urls}

    def ask(url: str) -> None:
        try:
            with _answer(url, deadline):
                failures.pop(url)
        except DownloadError as error:
            failures[url] = str(error)

    # Daemons, because a look-up of a name can hang and cannot be interrupted: it must keep
    # neither this function nor the end of the process waiting.
    threads = [threading.Thread(target=ask, args=(url,), daemon=True) for url in urls]
    for thread in threads:
        thread.start()
    end = time.monotonic() + deadline
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return failures.copy()


def fetch(url: str, file: PublishedFile, timeout: float) -> bytes:
    """Downloads a file into memory, never more of it than the published size.

    Args:
        url: the full address.
        file: what must come out, unpacked.
        timeout: seconds that connecting or one read may take; the whole may take longer.

    Returns:
        the published bytes, verified.

    Raises:
        DownloadError: no connection, an HTTP status other than 200, a stalled or broken
            transfer, or other bytes than the published ones.
    """
    payload = bytearray()
    with _answer(url, timeout) as response:
        chunks = response.iter_raw()
        for chunk in _gunzip(chunks, file.size + 1) if url.endswith(".gz") else chunks:
            payload += chunk
            if len(payload) > file.size:
                raise DownloadError(f"{url}: more than the published {file.size} bytes")
    if hashlib.sha256(payload).hexdigest() != file.sha256:
        raise DownloadError(f"{url}: not the published file (sha256 differs)")
    return bytes(payload)


def store(payload: bytes, path: Path) -> None:
    """Writes a whole file or none, making its folder.

    Raises:
        FullDiskError: there is no space for it.
        OSError: the folder cannot be written.
    """
    with whole_file(path) as file:
        file.write(payload)


@contextmanager
def _answer(url: str, timeout: float) -> Iterator["httpx.Response"]:
    import httpx

    # "identity": the bytes as they lie on the server are what is sized and unpacked here.
    headers = {"Accept-Encoding": "identity"}
    try:
        with httpx.stream(
            "GET", url, headers=headers, timeout=timeout, follow_redirects=True
        ) as response:
            if response.status_code != httpx.codes.OK:
                raise DownloadError(f"{url}: HTTP status {response.status_code}")
            yield response
    except (httpx.HTTPError, OSError, zlib.error) as error:
        raise DownloadError(f"{url}: {error or type(error).__name__}") from error


def _gunzip(chunks: Iterable[bytes], max_chunk: int) -> Iterator[bytes]:
    """Yields unpacked chunks; one of `max_chunk` bytes may have been cut."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    for chunk in chunks:
        yield unpacker.decompress(chunk, max_chunk)
        if unpacker.eof:
            return


@dataclass(frozen=True)
class Edition:
    """One form in which MNIST is published.

    Attributes:
        path: file or folder, relative to the folder of data sets, that a source is read from.
        files: all files it consists of.
    """

    path: str
    files: tuple[PublishedFile, ...]


@dataclass(frozen=True)
class Mirror:
    """A server's folder that holds an edition.

    Attributes:
        url: the folder's address, with a slash at its end.
        edition: what it holds.
    """

    url: str
    edition: Edition

    def address(self, file: PublishedFile) -> str:
        """Returns the full address of one of the edition's files."""
        return self.url + file.name

    @property
    def first_address(self) -> str:
        """The address that stands for the mirror when it is asked whether it answers."""
        return self.address(self.edition.files[0])


def _idx_file(name: str, size: int, sha256: str) -> PublishedFile:
    return PublishedFile(f"{name}.gz", f"mnist-idx/{name}", size, sha256)


KERAS_EDITION = Edition(
    "mnist.npz",
    (
        PublishedFile(
            "mnist.npz",
            "mnist.npz",
            11_490_434,
            "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        ),
    ),
)
IDX_EDITION = Edition(
    "mnist-idx",
    (
        _idx_file(
            "train-images-idx3-ubyte",
            47_040_016,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        _idx_file(
            "train-labels-idx1-ubyte",
            60_008,
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        _idx_file(
            "t10k-images-idx3-ubyte",
            7_840_016,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        _idx_file(
            "t10k-labels-idx1-ubyte",
            10_008,
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
)
MIRRORS = (
    Mirror("https://storage.googleapis.com/tensorflow/tf-keras-datasets/", KERAS_EDITION),
    Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/", IDX_EDITION),
    Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/", IDX_EDITION),
)
