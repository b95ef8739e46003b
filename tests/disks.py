"""Disks without space and folders that cannot be written to, for whoever runs the tests."""

import ctypes
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """A small disk at `folder`; who may not mount one cannot write large files there instead."""
    mount = ("mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder))
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        with small_files(1000 * kilobytes):
            yield
        return
    try:
        yield
    finally:
        # what failed may not have closed its files yet
        subprocess.run(("umount", "--lazy", str(folder)), check=True)


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes; Python ignores the signal."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def allow_only_small_files(most: int) -> None:
    """The same for a process that is about to start, and for all that it starts."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def obey_permissions() -> None:
    """Let a process of root, that is about to start, write only where permissions allow it."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)
