"""What a run ran on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

LIBRARIES = ("keras", "tensorflow", "numpy", "scikit-learn", "prefect", "digit-transfer")


def describe_environment() -> dict[str, Any]:
    """Versions, processor and number of threads; imports none of the libraries."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _processor(),
        "threads": os.cpu_count(),
    }


def _processor() -> str:
    """The processor's name; Python's own answer is empty on most Linux systems."""
    information = Path("/proc/cpuinfo")
    if not information.is_file():
        return platform.processor()
    lines = (line.partition(":") for line in information.read_text().splitlines())
    names = [value.strip() for key, _, value in lines if key.strip() == "model name"]
    return names[0] if names else platform.machine()
