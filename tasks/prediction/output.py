"""A text to the standard output, or whole to a file."""

import os
import sys
from pathlib import Path

from tasks.errors import FullDiskError, InputError
from tasks.sources.download import store
from tasks.storage.space import space_for


def write(text: str, path: Path | None) -> None:
    """Write UTF-8 to a file at one stroke, or to the standard output if there is no path.

    Raises:
        FullDiskError: There is no space for it.
        InputError: The file cannot be written.
    """
    # surrogateescape gives a file name that is not UTF-8 its own bytes back
    content = text.encode("utf-8", "surrogateescape")
    if path is None:
        _print(content)
        return
    if path.is_dir():
        raise InputError(f"--output {path} is a folder; give a file")
    try:
        store(content, path)
    except OSError as error:
        raise InputError(f"--output {path} cannot be written ({error.strerror})") from error


def _print(content: bytes) -> None:
    try:
        with space_for(Path("/dev/stdout").resolve()):
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
    except FullDiskError:
        # Python would try once more at its end, and complain in words of its own
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
