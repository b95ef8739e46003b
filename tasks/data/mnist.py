"""MNIST as it is published: found in Keras's cache, else fetched from a mirror."""

import hashlib
import logging
import os
import sys
import threading
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from tasks.data.source import digest_files
from tasks.errors import InputError
from tasks.schemas.references import Dataset
from tasks.storage.files import flush, space_for

logger = logging.getLogger(__name__)

CHUNK_BYTES = 2**16


class DownloadError(Exception):
    """An address that did not give the file; the message names the address and the reason."""


class PublishedFile(NamedTuple):
    """A file as its publisher made it, under the name it is downloaded by."""

    name: str  # on a mirror; one that ends in .gz is unpacked while it is received
    path: str  # where it is kept, relative to the folder of data sets
    size: int  # bytes, unpacked
    sha256: str  # hex digest, unpacked


def probe(urls: Sequence[str], deadline: float) -> dict[str, str]:
    """Asks all addresses at once whether they answer, and says why those that failed did.

    An address counts as silent after `deadline` seconds, whatever hangs.
    """
    import httpx

    failures = {url: f"{url}: no answer within {deadline:g} s" for url in urls}

    def ask(url: str) -> None:
        try:
            with httpx.stream("GET", url, timeout=deadline, follow_redirects=True) as response:
                failures[url] = f"{url}: HTTP status {response.status_code}"
        except (httpx.HTTPError, OSError) as error:
            failures[url] = f"{url}: {error or type(error).__name__}"
        else:
            if response.status_code == httpx.codes.OK:
                del failures[url]

    # Daemons, because a look-up of a name can hang and cannot be interrupted: it must keep
    # neither this function nor the end of the process waiting.
    threads = [threading.Thread(target=ask, args=(url,), daemon=True) for url in urls]
    for thread in threads:
        thread.start()
    end = time.monotonic() + deadline
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return failures.copy()


def fetch(url: str, file: PublishedFile, folder: Path, timeout: float) -> None:
    """Downloads a file, whole and verified or not at all, never more of it than its size.

    It is kept in `folder`, which is made. Connecting or one read may take `timeout` seconds.
    DownloadError: no connection, an HTTP status other than 200, a stalled or broken transfer, other
    bytes than the published ones, or a folder that cannot be written; FullDiskError: no space.
    """
    import pooch

    # "identity": the bytes as they lie on the server are what is sized and unpacked here.
    transfer = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(),
        chunk_size=CHUNK_BYTES,
        timeout=timeout,
        headers={"Accept-Encoding": "identity"},
    )

    def download(url: str, temporary: str, _: object) -> None:
        Path(temporary).unlink()  # pooch's is for its owner alone, the cache for whoever may read
        with Path(temporary).open("xb") as output:
            transfer(url, _Receiver(output, url, file.size), None)
        flush(Path(temporary))

    path = folder / file.path
    try:
        with space_for(path):
            path.parent.mkdir(parents=True, exist_ok=True)  # the error of pooch's would not name it
            pooch.retrieve(url, file.sha256, path.name, path.parent, downloader=download)
    except (OSError, zlib.error) as error:  # those of requests are OSErrors
        raise DownloadError(f"{url}: {error or type(error).__name__}") from error
    except ValueError as error:
        raise DownloadError(f"{url}: not the published file (sha256 differs)") from error


class _Receiver:
    """A file that what was published is written to: it is unpacked, and not exceeded."""

    def __init__(self, output: IO[bytes], url: str, size: int) -> None:
        self._output, self._url, self._size = output, url, size
        self._received = 0
        self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if url.endswith(".gz") else None
        self.flush = output.flush

    def write(self, chunk: bytes) -> None:
        is_over = self._unpacker is not None and self._unpacker.eof
        if self._unpacker:
            chunk = self._unpacker.decompress(chunk, self._size + 1)
        self._received += len(chunk)
        if is_over or self._received > self._size:
            raise DownloadError(f"{self._url}: more than the published {self._size} bytes")
        self._output.write(chunk)


class Edition(NamedTuple):
    """A form in which MNIST is published: its files, and the one or the folder to read it from."""

    path: str  # relative to the folder of data sets
    files: tuple[PublishedFile, ...]


class Mirror(NamedTuple):
    """The address of a server's folder, with a slash at its end, and the edition that it holds."""

    url: str
    edition: Edition


# as on the mirrors, but unpacked: sha256, bytes, name
IDX_FILES = """
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db 47040016 train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5    60008 train-labels-idx1-ubyte
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7  7840016 t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2    10008 t10k-labels-idx1-ubyte
"""
MNIST_SHA256 = "822f78e02db33504697bfa6eff28bb536a72821f0a43c34b1b710788472a2a54"  # as loaded
NPZ_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

IDX_EDITION = Edition(
    "mnist-idx",
    tuple(
        PublishedFile(f"{name}.gz", f"mnist-idx/{name}", int(size), sha256)
        for sha256, size, name in map(str.split, IDX_FILES.strip().splitlines())
    ),
)
KERAS_FILE = PublishedFile("mnist.npz", "mnist.npz", 11_490_434, NPZ_SHA256)
KERAS_EDITION = Edition("mnist.npz", (KERAS_FILE,))
MIRRORS = (
    Mirror("https://storage.googleapis.com/tensorflow/tf-keras-datasets/", KERAS_EDITION),
    Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/", IDX_EDITION),
    Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/", IDX_EDITION),
)


@dataclass(frozen=True)
class Patience:
    """How long to keep trying to download."""

    rounds: int  # in which all mirrors are tried in turn, at least 1
    pause: float  # seconds before the second round, doubled before each further one
    deadline: float  # seconds in which a mirror must answer to be tried in a round
    timeout: float  # seconds that connecting or one read of a download may take


PERSISTENT = Patience(rounds=4, pause=1.0, deadline=20.0, timeout=20.0)
BRIEF = Patience(rounds=1, pause=0.0, deadline=10.0, timeout=20.0)


def find_mnist(
    patience: Patience, folder: Path | None = None, mirrors: Sequence[Mirror] = MIRRORS
) -> Path:
    """The .npz file or the folder of IDX files of MNIST, every byte as published.

    It is downloaded from the first mirror that answers rightly where it is not in the cache, which
    by default is the folder that Keras keeps its data sets in. InputError says what was tried if no
    mirror gave it, FullDiskError that there is no space to keep it.
    """
    folder = folder or keras_datasets_folder()
    for edition in dict.fromkeys(mirror.edition for mirror in mirrors):
        if all(_is_intact(folder, file) for file in edition.files):
            return folder / edition.path
    return _download(folder, mirrors, patience)


def dataset_sha256(dataset: Dataset) -> str:
    """Hex digest over the digests of images and labels, as they were loaded.

    Equal data from any file format is equal; whether images have a channel axis is not seen.
    """
    splits = (dataset.train, dataset.test)
    digests = [array.sha256 for split in splits for array in (split.inputs, split.labels)]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def is_mnist(dataset: Dataset) -> bool:
    """Whether images and labels are the published ones."""
    return dataset_sha256(dataset) == MNIST_SHA256


def keras_datasets_folder() -> Path:
    """The folder that Keras, following KERAS_HOME, keeps its data sets in."""
    home = Path("~").expanduser()
    default = (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras"
    return Path(os.environ.get("KERAS_HOME", default)).expanduser().absolute() / "datasets"


def _is_intact(folder: Path, file: PublishedFile) -> bool:
    path = folder / file.path
    with suppress(OSError):
        if digest_files([path]) == file.sha256:
            return True
        logger.warning("%s is damaged: it is not the published file and will not be used", path)
    return False


def _download(folder: Path, mirrors: Sequence[Mirror], patience: Patience) -> Path:
    # the address of its first file stands for a mirror where it is asked whether it answers
    by_address = {mirror.url + mirror.edition.files[0].name: mirror for mirror in mirrors}
    for round_number in range(patience.rounds):
        if round_number:
            time.sleep(patience.pause * 2 ** (round_number - 1))
        failures = probe(list(by_address), patience.deadline)
        for address in [one for one in by_address if one not in failures]:
            try:
                return _download_edition(folder, by_address[address], patience.timeout)
            except (DownloadError, OSError) as error:
                failures[address] = str(error)
    raise InputError(
        f"MNIST is not in {folder} and could not be downloaded ({'; '.join(failures.values())}); "
        "give --dataset PATH (a folder with the four IDX files, or a .npz file) or --dataset digits"
    )


def _download_edition(folder: Path, mirror: Mirror, timeout: float) -> Path:
    for file in mirror.edition.files:
        if not _is_intact(folder, file):
            fetch(mirror.url + file.name, file, folder, timeout)
    return folder / mirror.edition.path
