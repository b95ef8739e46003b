"""From a source to its images, checked."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.data.digits import make_digits
from tasks.data.find import identify_path
from tasks.data.flaws import image_flaw, label_flaw
from tasks.data.idx import read_idx_folder
from tasks.data.npz import read_npz
from tasks.data.source import Images, Source
from tasks.errors import InputError


def read_source(source: Source) -> Images:
    """Reads the images of a source and checks that they can be trained on.

    Returns:
        uint8 images (n, 28, 28), 0 to 255, and uint8 labels (n,), 0 to 9, at least one in
        each split.

    Raises:
        InputError: a file is missing, damaged or unreadable, or holds something else.
    """
    try:
        images = _read(source)
        _check_unchanged(source)
    except OSError as error:
        raise InputError(f"{source.location} cannot be read: {error}") from error
    train, test = f"{source.location}: training", f"{source.location}: test"
    return Images(
        train_images=_check_images(images.train_images, train),
        train_labels=_check_labels(images.train_labels, len(images.train_images), train),
        test_images=_check_images(images.test_images, test),
        test_labels=_check_labels(images.test_labels, len(images.test_images), test),
    )


def _read(source: Source) -> Images:
    match source.format:
        case "idx":
            return read_idx_folder(Path(source.location))
        case "npz":
            return read_npz(Path(source.location))
        case "digits":
            return make_digits(source.seed)


def _check_unchanged(source: Source) -> None:
    """Keeps images from being remembered under the digest of what lay there before."""
    if source.format == "digits":
        return
    if identify_path(Path(source.location)).sha256 != source.sha256:
        raise InputError(f"{source.location} changed while it was used; start again")


def _check_images(images: NDArray[Any], split: str) -> NDArray[np.uint8]:
    if flaw := image_flaw(images):
        raise InputError(f"{split} {flaw}")
    if len(images) == 0:
        raise InputError(f"{split} images are none where at least one is needed")
    return images


def _check_labels(labels: NDArray[Any], count: int, split: str) -> NDArray[np.uint8]:
    if flaw := label_flaw(labels, count):
        raise InputError(f"{split} {flaw}")
    return labels.astype(np.uint8)
