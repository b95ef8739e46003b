"""Seeds that follow from one seed, so that no stage's randomness depends on another's."""

import zlib

import numpy as np
from numpy.typing import NDArray


def derive_seed(seed: int, stage: str, attempt: int = 0) -> int:
    """A seed (0..2**32-1) for one attempt at one stage."""
    entropy = np.random.SeedSequence([seed, zlib.crc32(stage.encode()), attempt])
    return int(entropy.generate_state(1)[0])


def epoch_order(images: int, seed: int, epoch: int) -> NDArray[np.int32]:
    """The order in which an epoch sees the images: a permutation of int32 (images,)."""
    return np.random.default_rng([seed, epoch]).permutation(images).astype(np.int32)
