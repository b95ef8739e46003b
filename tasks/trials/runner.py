"""What runs trials: something that is handed groups and gives outcomes as they come."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from tasks.trials.group import Group
from tasks.trials.trial import Outcome

# Trains one group, wherever it is called.
Train: TypeAlias = Callable[[Group], list[Outcome]]

Runner: TypeAlias = Callable[[Train, Sequence[Group]], Iterator[list[Outcome]]]
