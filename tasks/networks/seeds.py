"""Seeds that follow from one seed, so that no stage's randomness depends on another's."""

import zlib

import numpy as np


def derive_seed(seed: int, stage: str, attempt: int = 0) -> int:
    """A seed (0..2**32-1) for one attempt at one stage."""
    entropy = np.random.SeedSequence([seed, zlib.crc32(stage.encode()), attempt])
    return int(entropy.generate_state(1)[0])
