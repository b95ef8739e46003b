"""What a run ran on."""

import platform
from importlib.metadata import version
from typing import Any

from tasks.networks.hardware import processor, processor_features, threads

LIBRARIES = ("keras", "tensorflow", "numpy", "scikit-learn", "prefect", "digit-transfer")


def describe_environment() -> dict[str, Any]:
    """Versions and hardware, on which the same numbers depend; imports none of the libraries."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": processor(),
        "cpu_features": processor_features(),
        "threads": threads(),
    }
