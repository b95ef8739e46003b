"""Finding a source of images, and reading it, checked."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.data.digits import digits_source, make_digits
from tasks.data.idx import find_idx_files, read_idx_folder
from tasks.data.mnist import BRIEF, PERSISTENT, Patience, find_mnist
from tasks.data.npz import read_npz
from tasks.data.source import Images, Source, digest_files, image_flaw, label_flaw
from tasks.errors import FullDiskError, InputError


def find_source(dataset: str, seed: int, mnist: Callable[[Patience], Path] = find_mnist) -> Source:
    """Finds and identifies a data set, without decoding it.

    That is "mnist" (cached or downloaded), "digits" (generated from scikit-learn's by the seed, 0
    or more), "auto" (mnist where it is to be had within seconds, else digits, which the source's
    notice says), or the path of a folder with MNIST's four IDX files or of a .npz file. Raises
    InputError if there is no such data set, FullDiskError if there is no space for MNIST.
    """
    match dataset:
        case "digits":
            return digits_source(seed)
        case "mnist":
            return replace(_identify(mnist(PERSISTENT)), name="MNIST")
        case "auto":
            return _mnist_or_digits(seed, mnist)
    try:
        return _identify(Path(dataset).expanduser().absolute())
    # RuntimeError: the home folder of an unknown ~user.
    except (OSError, RuntimeError) as error:
        raise InputError(f"--dataset {dataset} cannot be read: {error}") from error


def _mnist_or_digits(seed: int, mnist: Callable[[Patience], Path]) -> Source:
    try:
        return replace(_identify(mnist(BRIEF)), name="MNIST")
    except (InputError, FullDiskError) as error:
        notice = f"scikit-learn's small digits stand in for MNIST: {error}"
        return replace(digits_source(seed), notice=notice)


def _identify(path: Path) -> Source:
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


def read_source(source: Source) -> Images:
    """Reads the images of a source, and checks them: there is at least one in each split.

    Raises InputError if a file is missing, damaged or unreadable, or holds something else.
    """
    try:
        images = make_digits(source.seed) if source.format == "digits" else _read_files(source)
    except OSError as error:
        raise InputError(f"{source.location} cannot be read: {error}") from error
    train, test = f"{source.location}: training", f"{source.location}: test"
    return Images(
        *_checked(images.train_images, images.train_labels, train),
        *_checked(images.test_images, images.test_labels, test),
    )


def _read_files(source: Source) -> Images:
    path = Path(source.location)
    images = read_idx_folder(path) if source.format == "idx" else read_npz(path)
    # else images were remembered under the digest of what lay there before
    if _identify(path).sha256 != source.sha256:
        raise InputError(f"{path} changed while it was used; start again")
    return images


def _checked(
    images: NDArray[Any], labels: NDArray[Any], split: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    if flaw := image_flaw(images):
        raise InputError(f"{split} {flaw}")
    if len(images) == 0:
        raise InputError(f"{split} images are none where at least one is needed")
    if flaw := label_flaw(labels, len(images)):
        raise InputError(f"{split} {flaw}")
    return images, labels.astype(np.uint8)
