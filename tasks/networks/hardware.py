"""What the machine's processor can do, asked of the system, and how much of it is used."""

import platform
import re
from pathlib import Path
from typing import Literal

from tasks.networks.recipe import Precision

INFORMATION = Path("/proc/cpuinfo")
GPUS = Path("/proc/driver/nvidia/gpus")
MATTERING = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile")


def processor() -> str:
    """The processor's name; Python's own answer is empty on most Linux systems."""
    return _field("model name") or platform.processor() or platform.machine()


def processor_features() -> list[str]:
    """The instruction sets that decide which kernels run, and so how numbers are rounded."""
    flags = _field("flags").split()
    return [feature for feature in MATTERING if feature in flags]


def resolve_precision(precision: Precision) -> Literal["float32", "bfloat16"]:
    """`auto` is bfloat16 where the hardware multiplies it natively and faster, else float32."""
    # An epoch took half the time of float32 with AMX, two thirds with AVX512-bf16 (AMD EPYC).
    if precision != "auto":
        return precision
    native = {"amx_bf16", "avx512_bf16"} & set(processor_features())
    return "bfloat16" if native or GPUS.exists() else "float32"


def use_one_thread() -> None:
    """One thread in this process, as it decides rounding; RuntimeError if more have computed."""
    import tensorflow as tf

    threading = tf.config.threading
    if threading.get_intra_op_parallelism_threads() != 1:
        threading.set_intra_op_parallelism_threads(1)
        threading.set_inter_op_parallelism_threads(1)


def _field(name: str) -> str:
    text = INFORMATION.read_text() if INFORMATION.is_file() else ""
    found = re.search(rf"^{name}\s*:(.*)", text, re.MULTILINE)
    return found[1].strip() if found else ""
