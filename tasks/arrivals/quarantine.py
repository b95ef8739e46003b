"""Quarantine: a bad batch is moved aside with a reason; nothing is deleted or overwritten."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import PurePosixPath

from fsspec.implementations.local import LocalFileSystem

from tasks.arrivals.decode import LABELS
from tasks.arrivals.inbox import QUARANTINE, Delivery, Inbox
from tasks.arrivals.listing import read

MAX_REASON_BYTES = 2**20
ADVICE = "Put that right and drop it into the inbox again; nothing here is ever used or deleted."


def quarantine(inbox: Inbox, delivery: Delivery, reason: str) -> None:
    """Move a delivery to `quarantine/<name>`, behind `<name>.reason.txt`.

    The reason is written first. Where that name is taken, it becomes `<name>-2` and so on. What
    cannot be written is an `OSError`, or whatever else the file system raises.
    """
    sentence = f"{delivery.name} was not used: {reason}."
    names = _names(f"{inbox.root}/{QUARANTINE}", delivery)
    target = next(name for name in names if _is_free(inbox, name, sentence))
    text = f"{sentence}\n{ADVICE}\nJudged on {datetime.now(UTC):%Y-%m-%d at %H:%M:%S} UTC.\n"
    inbox.fs.makedirs(f"{inbox.root}/{QUARANTINE}", exist_ok=True)
    inbox.fs.pipe_file(_reason(target), text.encode())
    for entry in delivery.entries:
        folder = PurePosixPath(entry).name
        _move(inbox, entry, f"{target}/{folder}" if folder in LABELS else target)


def _is_free(inbox: Inbox, target: str, sentence: str) -> bool:
    """Whether nothing has this name, no link to nowhere either, but for our own reason."""
    if inbox.fs.lexists(target):
        return False
    if not inbox.fs.lexists(_reason(target)):
        return True
    # A run that was killed before it moved the batch has written it, perhaps in part.
    earlier = read(inbox.fs, _reason(target), MAX_REASON_BYTES).partition(b"\n")[0]
    return sentence.encode().startswith(earlier)


def _names(folder: str, delivery: Delivery) -> Iterator[str]:
    suffix = PurePosixPath(delivery.name).suffix if delivery.is_npz else ""
    stem = delivery.name.removesuffix(suffix)
    yield f"{folder}/{delivery.name}"
    for number in count(2):
        yield f"{folder}/{stem}-{number}{suffix}"


def _reason(target: str) -> str:
    return f"{target}.reason.txt"


def _move(inbox: Inbox, source: str, target: str) -> None:
    fs = inbox.fs
    if isinstance(fs, LocalFileSystem):
        fs.makedirs(fs._parent(target), exist_ok=True)
        fs.mv(source, target)
        return
    # Not fs.mv, which takes [ and * in a name for a pattern where it is not a rename.
    moves = {path: f"{target}{path[len(source) :]}" for path in fs.find(source)}
    for path, copy in moves.items():
        fs.makedirs(fs._parent(copy), exist_ok=True)
        fs.cp_file(path, copy)
    for path in moves:
        fs.rm_file(path)
