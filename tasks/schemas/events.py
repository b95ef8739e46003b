"""That a person, or a scheduled run, decided something."""

import getpass
import socket
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Self

from tasks.schemas.references import Record


class Event(Record):
    """That something happened: when (UTC), by whom, and why."""

    when: datetime
    who: str
    why: str

    @classmethod
    def now(cls, why: str, **more: Any) -> Self:
        """What happens now, by whoever runs this."""
        user = "somebody"
        with suppress(KeyError, OSError):  # a container's user may have no name
            user = getpass.getuser()
        who = f"{user} on {socket.gethostname()}"
        return cls(when=datetime.now(UTC), who=who, why=why, **more)
