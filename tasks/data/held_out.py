"""Which images are held out to test on, where a data set does not say."""

import hashlib
from typing import TypeAlias

import numpy as np

from tasks.schemas.references import Array, Integers, Mask, Pixels

BLOCK = 1_000  # images

Labelled: TypeAlias = tuple[Pixels, Array]  # images (n, ...), labels (n,)
# images and labels to train on, and those to test on
Splits: TypeAlias = tuple[Pixels, Array, Pixels, Array]


def held_out(
    images: Pixels, labels: Array, share: float, seed: int, originals: Integers | None = None
) -> Mask:
    """Which of images (n, ...), with labels (n,) of any type, are test images, as bool (n,).

    Of each class about the same share, 0..1, at least one image and not all, if it has two that
    differ. Equal images are on the same side, copies on that of the original's row in `originals`.
    A rank follows from pixels and seed alone: few change sides when others come or go.
    """
    ranks = _ranks(images, seed, originals)
    chosen = np.zeros(int(ranks.max()) + 1, bool)
    for label in np.unique(labels):
        found, counts = np.unique(ranks[labels == label], return_counts=True)
        wanted = max(1, round(share * int(counts.sum())))
        before = np.cumsum(counts) - counts
        chosen[found[:-1][before[:-1] < wanted]] = True
    return chosen[ranks]


def folds_of(images: Pixels, labels: Array, folds: int, originals: Integers) -> Integers:
    """Each image's fold, 0..folds-1, (n,): as many of a class in each, copies as in `held_out`."""
    ranks = _ranks(images, 0, originals)
    fold = np.zeros(int(ranks.max()) + 1, np.intp)
    for label in np.unique(labels):
        found = np.unique(ranks[labels == label])
        fold[found] = np.arange(len(found)) % folds
    return fold[ranks]


def _ranks(images: Pixels, seed: int, originals: Integers | None) -> Integers:
    """Ranks (n,) in an order at random; equal images, and copies, have equal ones."""
    prints = np.array([one.hex() for one in fingerprints(images, seed.to_bytes(8, "big"))])
    prints = prints if originals is None else prints[originals]
    return np.unique(prints, return_inverse=True)[1]


def fingerprints(images: Pixels, key: bytes = b"") -> list[bytes]:
    """A digest of 16 bytes for each of images (n, ...); equal images have equal ones."""
    return [hashlib.blake2b(image.tobytes(), digest_size=16, key=key).digest() for image in images]


def split(images: Pixels, labels: Array, is_test: Mask) -> Splits:
    """Images (n, ...) and labels (n,) in two, by bool (n,), those to train on first.

    There may be gigabytes of them: they are moved in place, unless they are read-only.
    """
    test, rows = images[is_test], np.flatnonzero(~is_test)
    images = images if images.flags.writeable else images.copy()
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        images[start : start + len(part)] = images[part]  # from behind: nothing is overwritten
    return images[: len(rows)], labels[~is_test], test, labels[is_test]
