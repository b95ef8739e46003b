"""Seeds, and what an epoch does as a function of seed and epoch alone: order and distortions."""

import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.networks.recipe import Augmentation, Training
from tasks.schemas.references import Floats

SIDE = 28  # pixels a side of the images that a recipe's shift is told for


def derive_seed(seed: int, stage: str, attempt: int = 0) -> int:
    """A seed (0..2**32-1) for one attempt at one stage."""
    entropy = np.random.SeedSequence([seed, zlib.crc32(stage.encode()), attempt])
    return int(entropy.generate_state(1)[0])


class EpochPlan(NamedTuple):
    """In which order an epoch, or several, see the images, and how each is distorted."""

    rows: NDArray[np.int32]  # (n,), of a permutation, or of several one after another
    transforms: Floats  # (n, 8), an affine map each in that order; (n, 0) is none
    bounds: NDArray[np.int32]  # (b + 1,), where each of b batches starts, and n


def plan_epoch(
    training: Training, images: int, seed: int, epoch: int, shape: tuple[int, ...]
) -> EpochPlan:
    """The plan of epoch 0, 1, ... over so many images of a shape, as in (28, 28, 1)."""
    rng = np.random.default_rng([seed, epoch])
    seen = training.images_in_epoch(images)
    rows = rng.permutation(images)[:seen].astype(np.int32)
    starts = np.arange(0, seen, training.batch_size_for(images))
    bounds = np.append(starts, seen).astype(np.int32)
    if training.augmentation is None:
        return EpochPlan(rows, np.empty((seen, 0), np.float32), bounds)
    return EpochPlan(rows, draw_transforms(training.augmentation, seen, rng, shape), bounds)


def plan_epochs(
    training: Training, images: int, seed: int, epochs: int, shape: tuple[int, ...]
) -> EpochPlan:
    """The first so many epochs in one plan: one of few images is too short a call by itself."""
    plans = [plan_epoch(training, images, seed, epoch, shape) for epoch in range(epochs)]
    rows, transforms, bounds = zip(*plans, strict=True)
    seen = training.images_in_epoch(images)
    starts = np.concatenate([one[:-1] + epoch * seen for epoch, one in enumerate(bounds)])
    ends = np.append(starts, epochs * seen).astype(np.int32)
    return EpochPlan(np.concatenate(rows), np.concatenate(transforms), ends)


def draw_transforms(
    augmentation: Augmentation, images: int, rng: np.random.Generator, shape: tuple[int, ...]
) -> Floats:
    """A random affine map for each image of a shape (height, width, channels), float32 (images, 8).

    `keras.ops.image.affine_transform` reads (x, y) from (t0 x + t1 y + t2, t3 x + t4 y + t5).
    """

    def draw(limit: float) -> NDArray[np.float64]:
        return rng.uniform(-limit, limit, images)

    high, wide = shape[:2]
    angle, shear = np.deg2rad(draw(augmentation.rotation)), draw(augmentation.shear)
    width, height = 1 + draw(augmentation.zoom), 1 + draw(augmentation.zoom)
    t0, t1 = np.cos(angle) * width, (shear - np.sin(angle)) * height
    t3, t4 = np.sin(angle) * width, np.cos(angle) * height
    x, y = (wide - 1) / 2, (high - 1) / 2  # the centre, which stays where it is
    t2 = x * (1 - t0 - t1 * (y / x)) + draw(augmentation.shift * wide / SIDE)
    t5 = y * (1 - t3 * (x / y) - t4) + draw(augmentation.shift * high / SIDE)
    nothing = np.zeros(images)
    return np.stack([t0, t1, t2, t3, t4, t5, nothing, nothing], axis=1).astype(np.float32)
