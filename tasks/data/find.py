"""From what a person asks for to the source that it names."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tasks.data.digits import digits_source
from tasks.data.idx import find_idx_files
from tasks.data.mnist import BRIEF, PERSISTENT, Patience, find_mnist
from tasks.data.source import Source, digest_files
from tasks.errors import FullDiskError, InputError


def find_source(dataset: str, seed: int, mnist: Callable[[Patience], Path] = find_mnist) -> Source:
    """Finds and identifies a data set, without decoding it.

    Args:
        dataset: "mnist" (cached or downloaded), "digits" (generated from scikit-learn's),
            "auto" (mnist where it is to be had within seconds, else digits), or the path
            of a folder with MNIST's four IDX files or of a .npz file.
        seed: seed of the generated digits, not negative.
        mnist: returns where MNIST lies, or raises InputError.

    Returns:
        the source; its notice is set where "auto" fell back to the digits.

    Raises:
        InputError: there is no such data set; one sentence says what would be right.
        FullDiskError: there is no space to keep the mnist that was asked for.
    """
    match dataset:
        case "digits":
            return digits_source(seed)
        case "mnist":
            return _mnist_source(mnist(PERSISTENT))
        case "auto":
            return _mnist_or_digits(seed, mnist)
        case _:
            return _source_at(dataset)


def _mnist_or_digits(seed: int, mnist: Callable[[Patience], Path]) -> Source:
    try:
        return _mnist_source(mnist(BRIEF))
    except (InputError, FullDiskError) as error:
        notice = f"scikit-learn's small digits stand in for MNIST: {error}"
        return replace(digits_source(seed), notice=notice)


def _mnist_source(path: Path) -> Source:
    return replace(identify_path(path), name="MNIST")


def _source_at(dataset: str) -> Source:
    try:
        return identify_path(Path(dataset).expanduser().absolute())
    # RuntimeError: the home folder of an unknown ~user.
    except (OSError, RuntimeError) as error:
        raise InputError(f"--dataset {dataset} cannot be read: {error}") from error


def identify_path(path: Path) -> Source:
    """Identifies the data set in a folder of IDX files or in a .npz file.

    Raises:
        InputError: the path does not exist, is something else, or lacks one of the files.
        OSError: a file cannot be read.
    """
    if path.is_dir():
        sha256 = digest_files(find_idx_files(path))
        return Source("idx", path.name, str(path), sha256, seed=0)
    if not path.exists():
        raise InputError(
            f"--dataset {path} does not exist; give auto, mnist, digits, "
            "a folder with MNIST's four IDX files, or a .npz file"
        )
    if path.suffix != ".npz" or not path.is_file():
        raise InputError(
            f"--dataset {path} is neither a folder with MNIST's four IDX files nor a .npz file"
        )
    return Source("npz", path.name, str(path), digest_files([path]), seed=0)
