"""Many transfers: any subsets of the classes, many seeds, on many processes.

python flows/study.py --pairs all --seeds 0..4 --recipes tuned
"""

if __name__ in ("__main__", "__mp_main__"):  # of a worker; before the imports, which take seconds
    from startup import begin

    begin()

import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from flows.cli import call_flow, run_command
from flows.cli_types import reproducing_command
from flows.config import StudyConfig
from flows.run import load_data, pipeline_flow
from flows.transfers import BaseData, for_the_base, load_base_data
from tasks.extract_features import extract_features
from tasks.filter import filter_classes
from tasks.hold_out import hold_out
from tasks.report_study import report_study
from tasks.reporting.page import phrase
from tasks.reshape import reshape
from tasks.run_trials import run_trials
from tasks.schemas.images import LabelledImages
from tasks.storage.stages import by_recipe
from tasks.trials.trial import Classes, Group, all_trials

LISTS = ("--pairs", "--subsets")


@pipeline_flow("digit-study")
def study(config: StudyConfig) -> Path:
    """Transfer to many subsets; the folder of the report; InputError if the data are unusable."""
    command = reproducing_command(config.script, config)
    source, data, config = load_data(config, config.seeds[0])
    data = data.model_copy(update={"images": reshape(data.images)})
    workers = config.workers or os.cpu_count() or 1
    results = run_trials(train_bases(config, data), workers, config.refresh)
    bases = phrase("study", "bases", config.base_classes, config.base_dataset is not None)
    return report_study(config, command, source, data, results, bases)


def train_bases(config: StudyConfig, data: LabelledImages) -> list[Group]:
    """A base by each recipe, and the trials on it; first InputError if a subset lacks a class."""
    base_data = load_base_data(config, config.seeds[0], data)
    chosen = config.chosen_subsets(data.classes)
    learned = {  # what a base of the others learns depends on its subset, of which it has one
        subsets: for_the_base(config, base_data, [data.classes[at] for at in subsets[0]])
        for subsets in ([(one,) for one in chosen] if config.base_classes == "others" else [chosen])
    }
    return [
        group
        for subsets, base in learned.items()
        for group in train_own_bases(config, data, base, subsets)
    ]


def train_own_bases(
    config: StudyConfig, data: LabelledImages, learned: BaseData, subsets: Sequence[Classes]
) -> Iterator[Group]:
    """The trials of some subsets on each of their bases, by recipe and seed, and its features."""
    images, used = data.images, tuple(range(len(data.classes)))
    if config.base_classes == "others":  # a base of its own needs no other features
        used = tuple(sorted(subsets[0]))
        images = filter_classes(images, used, relabel=False)
    held_out = hold_out(data, used, config.folds).always
    for name, recipe in config.chosen_recipes().items():
        for base_seed, seeds in config.base_seeds().items():
            with by_recipe(name):
                features = extract_features(learned.train(recipe, base_seed), images)
            yield Group(
                trials=tuple(all_trials(name, subsets, seeds)),
                features=features,
                held_out=held_out,
                training=recipe.head,
                classes=data.classes,
            )


def join_lists(arguments: Sequence[str]) -> list[str]:
    """Let `--subsets 0,1 3,5,8` be one option with one value, as `--subsets "0,1 3,5,8"` is."""
    joined: list[str] = []
    for argument in arguments:
        if len(joined) > 1 and joined[-2] in LISTS and not argument.startswith("-"):
            joined[-1] += f" {argument}"
        else:
            joined.append(argument)
    return joined


if __name__ == "__main__":
    run, typed = partial(call_flow, study), join_lists(sys.argv[1:])
    sys.exit(run_command(StudyConfig.script, __doc__, StudyConfig, run, typed))
