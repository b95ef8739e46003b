"""Ways to follow a training that keep nothing."""

from dataclasses import dataclass
from typing import Any

from tasks.schemas.training import History


@dataclass(frozen=True)
class StopAfter:
    """Ends a training after so many epochs, or never; its schedule stays that of the whole."""

    epochs: int | None = None

    def restore(self, variables: list[Any]) -> History:
        """Start from the beginning."""
        return History()

    def keep(self, variables: list[Any], history: History) -> None:
        """Keep nothing."""

    def is_over(self, history: History) -> bool:
        """Whether the epochs are over."""
        return len(history.epochs) == self.epochs
