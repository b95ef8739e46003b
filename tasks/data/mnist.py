"""MNIST as it is published: found in Keras's cache, else fetched from a mirror."""

import hashlib
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from tasks.data.idx import IDX_NAMES
from tasks.errors import InputError, in_one_line
from tasks.schemas.references import Dataset
from tasks.storage.files import disk_of, is_intact

MNIST_SHA256 = "822f78e02db33504697bfa6eff28bb536a72821f0a43c34b1b710788472a2a54"  # as loaded
KERAS_FILES = {"mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"}
IDX_SHA256 = (
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
)
IDX_FILES = {f"{name}.gz": sha256 for name, sha256 in zip(IDX_NAMES, IDX_SHA256, strict=True)}
SECONDS_TO_ANSWER = 10.0  # of all mirrors together, where there is no patience
SECONDS_TO_READ = 20.0  # that connecting or one read of a download may take
RETRIES = 2  # of each file, where there is patience


class Mirror(NamedTuple):
    """A server's folder that has MNIST's files."""

    url: str  # with a slash at its end
    folder: str  # where the files are kept, relative to the folder of data sets
    files: dict[str, str]  # sha256 (hex) by name


MIRRORS = (
    Mirror("https://storage.googleapis.com/tensorflow/tf-keras-datasets/", "", KERAS_FILES),
    Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/", "mnist-gz", IDX_FILES),
    Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/", "mnist-gz", IDX_FILES),
)


def find_mnist(
    patient: bool, datasets: Path | None = None, mirrors: Sequence[Mirror] = MIRRORS
) -> Path:
    """The .npz file or the folder of IDX files of MNIST, every byte as published.

    Where it is not in `datasets`, by default Keras's folder, the first mirror gives it that can;
    who is not `patient` asks those that answer soon. InputError if none can, DiskError if no space.
    """
    datasets, failures = datasets or keras_datasets_folder(), list[str]()
    cached = [
        mirror
        for mirror in mirrors
        if all(is_intact(datasets / mirror.folder / name, of) for name, of in mirror.files.items())
    ]
    for mirror in cached or (mirrors if patient else answering(mirrors)):
        try:
            return download(mirror, datasets, RETRIES if patient else 0)
        except OSError as error:  # those of requests are
            failures.append(f"{mirror.url}: {in_one_line(error)}")
        except ValueError:
            failures.append(f"{mirror.url}: not the published file")
    raise InputError(
        f"MNIST is not intact in {datasets} and could not be downloaded "
        f"({'; '.join(failures) or f'no mirror answers within {SECONDS_TO_ANSWER:g} s'}); "
        "give --dataset PATH (a folder with the four IDX files, or a .npz file) or --dataset digits"
    )


def answering(mirrors: Sequence[Mirror]) -> list[Mirror]:
    """The mirrors that have their first file, all asked at once, whatever hangs."""
    import httpx

    found = list[Mirror]()

    def ask(mirror: Mirror) -> None:
        url = mirror.url + next(iter(mirror.files))
        with suppress(httpx.HTTPError, OSError):
            httpx.head(url, timeout=SECONDS_TO_ANSWER, follow_redirects=True).raise_for_status()
            found.append(mirror)

    # Daemons, because a look-up of a name can hang and cannot be interrupted: it must keep
    # neither this function nor the end of the process waiting.
    threads = [Thread(target=ask, args=(mirror,), daemon=True) for mirror in mirrors]
    for thread in threads:
        thread.start()
    end = time.monotonic() + SECONDS_TO_ANSWER
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return [mirror for mirror in mirrors if mirror in found]


def download(mirror: Mirror, datasets: Path, retries: int = 0) -> Path:
    """Where MNIST is, after what is not there or damaged was downloaded, whole or not at all.

    OSError: no connection, an HTTP status other than 200, a stalled or broken transfer, or a folder
    that cannot be written; ValueError: other bytes than the published; DiskError: no space.
    """
    import pooch

    as_published, bar = {"Accept-Encoding": "identity"}, sys.stderr.isatty()
    receive = pooch.HTTPDownloader(bar, timeout=SECONDS_TO_READ, headers=as_published)

    def receive_for_all(url: str, temporary: str, _: object) -> None:
        Path(temporary).unlink()  # pooch's is for its owner alone, the cache for whoever may read
        receive(url, temporary, None)

    folder = datasets / mirror.folder
    files = pooch.create(folder, mirror.url, registry=mirror.files, retry_if_failed=retries)
    for name in mirror.files:
        with disk_of(folder / name):
            path = Path(files.fetch(name, downloader=receive_for_all))
    return folder if len(mirror.files) > 1 else path


def dataset_sha256(dataset: Dataset) -> str:
    """Hex digest over those of images and labels as loaded: equal for equal data of any format."""
    return hashlib.sha256("".join(file.sha256 for file in dataset.files()).encode()).hexdigest()


def is_mnist(dataset: Dataset) -> bool:
    """Whether images and labels are the published ones."""
    return dataset_sha256(dataset) == MNIST_SHA256


def keras_datasets_folder() -> Path:
    """The folder that Keras, following KERAS_HOME, keeps its data sets in."""
    home = Path("~").expanduser()
    default = (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras"
    return Path(os.environ.get("KERAS_HOME", default)).expanduser().absolute() / "datasets"
