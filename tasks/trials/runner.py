"""What runs trials: something that is handed groups and gives results as they come."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from tasks.trials.group import Group
from tasks.trials.trial import TrialResult

# Trains one group, wherever it is called.
Train: TypeAlias = Callable[[Group], list[TrialResult]]

Runner: TypeAlias = Callable[[Train, Sequence[Group]], Iterator[list[TrialResult]]]
