"""Files of other people: regular ones alone are read."""

import os
import stat
from io import BufferedReader
from pathlib import Path

from tasks.errors import InputError


def open_regular(path: Path, follow_link: bool = True) -> BufferedReader:
    """Open a file to read, without waiting: InputError unless regular, OSError if it fails."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_link else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    # what is open is asked, as a path may name another file by now
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{path} is not a regular file; a pipe or a device is never read")
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, follow_link: bool, most: int) -> bytes:
    """The bytes of a regular file, at most `most` + 1; errors as of `open_regular`, or OSError."""
    with open_regular(path, follow_link) as file:
        # room is made for what is asked for, which is more than most files have
        return file.read(min(os.fstat(file.fileno()).st_size, most) + 1)
