"""Finds the published MNIST: in Keras's cache, else on a mirror."""

import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.data.download import MIRRORS, DownloadError, Mirror, PublishedFile, fetch, probe
from tasks.data.source import digest_files
from tasks.errors import InputError

logger = logging.getLogger(__name__)


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
    by default is the folder that Keras keeps its data sets in.

    Raises:
        InputError: not in the cache, and no mirror gave it; says what was tried.
        FullDiskError: there is no space to keep it.
    """
    folder = folder or keras_datasets_folder()
    for edition in dict.fromkeys(mirror.edition for mirror in mirrors):
        if all(_is_intact(folder, file) for file in edition.files):
            return folder / edition.path
    return _download(folder, mirrors, patience)


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
