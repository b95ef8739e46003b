"""Fetches one published file whose size and digest are known beforehand."""

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
