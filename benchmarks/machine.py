"""On which machine and when a benchmark printed its numbers."""

import os
from datetime import UTC, datetime
from importlib.metadata import version

from tasks.networks.hardware import processor, processor_features


def print_machine() -> None:
    """Print date, processor and the versions that matter, in one line."""
    features = ", ".join(processor_features())
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} threads of {processor()} ({features}), "
        f"Keras {version('keras')}, TensorFlow {version('tensorflow')}\n",
        flush=True,
    )
