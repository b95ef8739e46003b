"""A text to the standard output, or whole to a file."""

import sys
from pathlib import Path

from tasks.errors import InputError
from tasks.sources.download import store


def write(text: str, path: Path | None) -> None:
    """Write UTF-8 to a file at one stroke, or to the standard output if there is no path.

    Raises:
        InputError: The file cannot be written.
    """
    # surrogateescape gives a file name that is not UTF-8 its own bytes back
    content = text.encode("utf-8", "surrogateescape")
    if path is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    if path.is_dir():
        raise InputError(f"--output {path} is a folder; give a file")
    try:
        store(content, path)
    except OSError as error:
        raise InputError(f"--output {path} cannot be written ({error.strerror})") from error
