"""Near duplicates: an image and its copy, shifted by a pixel or a few grey levels apart."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import TypeAlias

import numpy as np

from tasks.schemas.references import Array, Floats, Integers, Mask, Pixels

MOST = 0.1  # of MNIST's test images none is so near to a training image
CELLS = 8  # of a side
BLOCK = 100  # images, each of which is held against all others by nine shifts
Shift: TypeAlias = tuple[int, ...]
STILL: Shift = (0, 0)
SHIFTS: tuple[Shift, ...] = tuple(product((-1, 0, 1), repeat=2))


def near_duplicates(
    images: Pixels, reference: Pixels, shifts: Sequence[Shift] = SHIFTS
) -> Integers:
    """For each of images uint8 (n, ...) the row of a near duplicate among others (m, ...), or -1.

    Two images are as far apart as their insides, without a border of one pixel, each less its mean
    and divided by its norm, 0 to 2, at the nearest of the shifts, a pixel at most. Means over 8 x 8
    cells say which others to look at. In a reference of the images themselves none is its own.
    """
    found = np.full(len(images), -1)
    if not (len(images) and len(reference)):
        return found
    cells = _cells(reference, STILL)
    shifted = np.stack([_cells(images, shift) for shift in shifts])
    for start in range(0, len(images), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(images)))
        nearness = shifted[:, rows] @ cells.T
        if reference is images:
            nearness[:, rows - start, rows] = -1
        number = nearness.max(axis=2).argmax(axis=0)
        row = nearness[number, rows - start].argmax(axis=1)
        nearest = zip(images[rows], number, strict=True)
        moved = [_inside(image[None], shifts[one]) for image, one in nearest]
        apart = _unit(np.concatenate(moved)) - _unit(_inside(reference[row], STILL))
        distance = np.linalg.norm(apart, axis=1)
        found[rows] = np.where(distance <= MOST, row, -1)
    return found


def is_near(images: Pixels, others: Iterable[Pixels]) -> Mask:
    """Which of images (n, ...) have a near duplicate in any of several others, bool (n,)."""
    found = np.zeros(len(images), bool)
    for reference in others:
        found |= near_duplicates(images, reference) >= 0
    return found


def _inside(images: Pixels, shift: Shift) -> Pixels:
    down, right = (1 + step for step in shift)
    height, width = images.shape[1:3]
    return images[:, down : height - 2 + down, right : width - 2 + right]


def _cells(images: Pixels, shift: Shift) -> Floats:
    """The insides of images (n, ...) as means over cells and all channels, (n, cells)."""
    blocks = range(0, len(images), BLOCK)
    means = [_means(_inside(images[start : start + BLOCK], shift)) for start in blocks]
    return _unit(np.concatenate(means))


def _means(insides: Pixels) -> Floats:
    means: Array = insides
    for axis in (1, 2):
        side = insides.shape[axis]
        edges = np.linspace(0, side, min(CELLS, side), endpoint=False).astype(int)
        sizes = np.diff(edges, append=side).astype(np.float32)
        means = np.add.reduceat(means, edges, axis=axis, dtype=np.float32)
        means = np.moveaxis(np.moveaxis(means, axis, -1) / sizes, -1, axis)
    return np.asarray(means.reshape(*means.shape[:3], -1).mean(axis=3).reshape(len(insides), -1))


def _unit(images: Array) -> Floats:
    rows = images.reshape(len(images), -1).astype(np.float32)
    centred = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(lengths, np.finfo(np.float32).tiny))
