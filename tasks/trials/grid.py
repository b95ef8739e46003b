"""Which transfers a study consists of."""

from collections.abc import Iterator, Sequence

from tasks.networks.architecture import ONE_NODE, softmax_head
from tasks.trials.subsets import Classes
from tasks.trials.trial import Trial


def all_trials(recipe: str, subsets: Sequence[Classes], seeds: Sequence[int]) -> list[Trial]:
    """Every subset with every head that can tell its classes apart, from every seed."""
    return [
        Trial(recipe=recipe, classes=subset, head=head, seed=seed)
        for subset in subsets
        for head in heads_for(subset)
        for seed in seeds
    ]


def heads_for(subset: Classes) -> Iterator[str]:
    """The names of the heads: a node for each class, and for two classes a single one, too."""
    yield softmax_head(len(subset)).name
    if len(subset) == 2:
        yield ONE_NODE.name
