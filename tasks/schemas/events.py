"""That a person, or a scheduled run, decided something."""

import getpass
import socket
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from tasks.schemas.references import Record


class Event(Record):
    """That something happened: when (UTC), by whom, and why."""

    when: datetime
    who: str
    why: str


E = TypeVar("E", bound=Event)


def happened(kind: type[E], why: str, **more: Any) -> E:
    """An event of now, by whoever runs this."""
    user = "somebody"
    with suppress(KeyError, OSError):  # a container's user may have no name
        user = getpass.getuser()
    who = f"{user} on {socket.gethostname()}"
    return kind(when=datetime.now(UTC), who=who, why=why, **more)
