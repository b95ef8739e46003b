"""The errors that are meant to be read by a person."""


class ReadableError(Exception):
    """One sentence that says what is wrong; shown without a traceback, exit code 1."""


class InputError(ReadableError, ValueError):
    """A bad input: the sentence names it and says what would be right; exit code 2."""


class DeadModelError(ReadableError):
    """A model did not learn, however often it was initialised again."""


class WorkerError(ReadableError):
    """Worker processes died again and again."""


class DiskError(ReadableError):
    """A disk has no space, or fails; the sentence names the disk and the file."""


class RemoteError(ReadableError):
    """Storage elsewhere cannot be read or written to; the sentence names its address."""


def in_one_line(error: Exception) -> str:
    """What another library's error says, or what kind it is if it says nothing."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def printable(text: str) -> str:
    r"""A text with the bytes of a file name that are not UTF-8 written out, as in `caf\udce9`."""
    return text.encode("utf-8", "backslashreplace").decode()
