"""A source of images, what is read from it, and what may be wrong with it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Source:
    """One set of labelled images, identified before any of it is decoded.

    Its `sha256` (hex) is of the files' bytes as they lie on disk, one after another in the order
    of `IDX_NAMES`, or of all that the generated digits depend on.
    """

    format: Literal["idx", "npz", "digits"]  # how images are stored, or that they are generated
    name: str  # what a person calls it
    location: str  # absolute path of a folder ("idx") or file ("npz"), or "scikit-learn"
    sha256: str
    seed: int  # of the generated digits; 0 for every other format
    notice: str = ""  # a sentence to show a person when this source stands in for MNIST

    def identity(self) -> list[str | int]:
        """What decides which images are read: not where they lie, nor what they are called."""
        return [self.format, self.sha256, self.seed]


@dataclass(frozen=True)
class Images:
    """Images uint8 (n, 28, 28), 0 (background) to 255, and their labels uint8 (n,), 0 to 9."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def digest_files(paths: Iterable[Path]) -> str:
    """The sha256 (hex) of the files' bytes, one file after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()


def image_flaw(images: NDArray[Any]) -> str:
    """Why images are not uint8 (n, 28, 28); empty if they are."""
    if images.dtype != np.uint8:
        return f"images are {images.dtype} where uint8 is right"
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        return f"images have shape {images.shape} where (n, 28, 28) is right"
    return ""


def label_flaw(labels: NDArray[Any], count: int) -> str:
    """Why labels are not integers (count,) of 0 to 9, where count > 0; empty if they are."""
    if labels.dtype.kind not in "iu":  # NumPy counts a time span as an integer, too
        return f"labels are {labels.dtype} where an integer type is right"
    if labels.shape != (count,):
        return f"labels have shape {labels.shape} where ({count},) is right"
    if labels.min() < 0 or labels.max() > 9:
        return f"labels run from {labels.min()} to {labels.max()} where 0 to 9 is right"
    return ""
