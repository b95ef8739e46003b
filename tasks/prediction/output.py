"""Text that is written as it comes, and shown whole or not at all."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO, TextIO

from tasks.errors import FullDiskError, InputError
from tasks.storage.files import whole_file
from tasks.storage.space import space_for


@contextmanager
def whole_output(path: Path | None) -> Iterator[TextIO]:
    """A file for UTF-8 text that, once all is written, replaces `path` or goes to standard output.

    Raises:
        FullDiskError: There is no space for it.
        InputError: The path cannot be written.
    """
    if path is None:
        with space_for(Path(gettempdir())), TemporaryFile() as kept:
            with _text(kept) as text:
                yield text
            kept.seek(0)
            _print(kept)
        return
    if path.is_dir():
        raise InputError(f"--output {path} is a folder; give a file")
    try:
        with whole_file(path) as file, _text(file) as text:
            yield text
    except OSError as error:
        raise InputError(f"--output {path} cannot be written ({error.strerror})") from error


def _print(kept: IO[bytes]) -> None:
    try:
        with space_for(Path("/dev/stdout").resolve()):
            shutil.copyfileobj(kept, sys.stdout.buffer)
            sys.stdout.buffer.flush()
    except FullDiskError:
        # Python would try once more at its end, and complain in words of its own
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


@contextmanager
def _text(file: IO[bytes]) -> Iterator[TextIO]:
    # surrogateescape gives a file name that is not UTF-8 its own bytes back
    text = TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
    yield text
    text.detach()
