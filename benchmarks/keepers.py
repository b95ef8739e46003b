"""Ways to follow a training that keep nothing."""

from dataclasses import dataclass
from typing import Any

from tasks.networks.training import Course


@dataclass(frozen=True)
class StopAfter:
    """Ends a training after so many epochs, or never; its schedule stays that of the whole."""

    epochs: int | None = None

    def restore(self, variables: list[Any]) -> Course:
        """Start from the beginning."""
        return Course()

    def keep(self, variables: list[Any], course: Course) -> None:
        """Keep nothing."""

    def is_over(self, course: Course) -> bool:
        """Whether the epochs are over."""
        return len(course.epochs) == self.epochs
