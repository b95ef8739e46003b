"""Which images are held out to test on, where a data set does not say."""

import hashlib
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

BLOCK = 1_000  # images

Labelled: TypeAlias = tuple[NDArray[np.uint8], NDArray[Any]]  # images (n, ...), labels (n,)
# images and labels to train on, and those to test on
Splits: TypeAlias = tuple[NDArray[np.uint8], NDArray[Any], NDArray[np.uint8], NDArray[Any]]


def held_out(
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    share: float,
    seed: int,
    originals: NDArray[np.intp] | None = None,
) -> NDArray[np.bool_]:
    """Which of images (n, ...), with labels (n,) of any type, are test images, as bool (n,).

    Of each class about the same share, 0..1, at least one image and not all, if it has two that
    differ. Equal images are on the same side, and copies on that of their original, the row of
    which `originals` (n,) has. An image's rank follows from its pixels and the seed alone, so that
    it hardly ever changes sides when others come or go.
    """
    ranks = _ranks(images, seed, originals)
    chosen = np.zeros(int(ranks.max()) + 1, bool)
    for label in np.unique(labels):
        found, counts = np.unique(ranks[labels == label], return_counts=True)
        wanted = max(1, round(share * int(counts.sum())))
        before = np.cumsum(counts) - counts
        chosen[found[:-1][before[:-1] < wanted]] = True
    return chosen[ranks]


def folds_of(
    images: NDArray[np.uint8], labels: NDArray[Any], folds: int, originals: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Each image's fold, 0..folds-1, (n,): as many of a class in each, copies as in `held_out`."""
    ranks = _ranks(images, 0, originals)
    fold = np.zeros(int(ranks.max()) + 1, np.intp)
    for label in np.unique(labels):
        found = np.unique(ranks[labels == label])
        fold[found] = np.arange(len(found)) % folds
    return fold[ranks]


def _ranks(
    images: NDArray[np.uint8], seed: int, originals: NDArray[np.intp] | None
) -> NDArray[np.intp]:
    """Ranks (n,) in an order at random; equal images, and copies, have equal ones."""
    prints = np.array([one.hex() for one in fingerprints(images, seed.to_bytes(8, "big"))])
    prints = prints if originals is None else prints[originals]
    return np.unique(prints, return_inverse=True)[1]


def fingerprints(images: NDArray[np.uint8], key: bytes = b"") -> list[bytes]:
    """A digest of 16 bytes for each of images (n, ...); equal images have equal ones."""
    return [hashlib.blake2b(image.tobytes(), digest_size=16, key=key).digest() for image in images]


def split(images: NDArray[np.uint8], labels: NDArray[Any], is_test: NDArray[np.bool_]) -> Splits:
    """Images (n, ...) and labels (n,) in two, by bool (n,), those to train on first.

    There may be gigabytes of them: they are moved in place, unless they are read-only.
    """
    test, rows = images[is_test], np.flatnonzero(~is_test)
    images = images if images.flags.writeable else images.copy()
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        images[start : start + len(part)] = images[part]  # from behind: nothing is overwritten
    return images[: len(rows)], labels[~is_test], test, labels[is_test]
