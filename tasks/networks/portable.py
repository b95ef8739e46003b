"""A model as it is in use: ONNX, which answers without Keras and TensorFlow."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.storage.store import reading

BATCH = 250  # images


class Answers(NamedTuple):
    """Class probabilities (n, classes), 0..1, and which of the images are refused, (n,)."""

    probabilities: NDArray[np.float32]
    refused: NDArray[np.bool_]


class PortableModel:
    """What `to_onnx` wrote, from a file whose digest was checked; or DamagedError."""

    def __init__(self, verified: Path) -> None:
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = os.cpu_count() or 1
        # threads that wait for work would take the processor from what reads the next images
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        with reading(verified):
            self._session = InferenceSession(verified, options, providers=["CPUExecutionProvider"])

    def answer(self, images: NDArray[np.uint8]) -> Answers:
        """What the model says of images (n, height, width, channels), n > 0."""
        starts = range(0, len(images), BATCH)
        found = [
            self._session.run(list(Answers._fields), {"images": images[start : start + BATCH]})
            for start in starts
        ]
        return Answers(*map(np.concatenate, zip(*found, strict=True)))
