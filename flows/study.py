"""Many transfers: any subsets of the classes, many seeds, on many processes or machines.

python flows/study.py --pairs all --seeds 0..4 --recipes tuned
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from flows.startup import begin

    begin()

import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings

from flows.base_data import for_the_base, load_base_data
from flows.cli import call_flow, run_command
from flows.cli_types import reproducing_command
from flows.config import StudyConfig
from flows.run import log_notice, pipeline_flow, pipeline_run
from tasks.data.names import shown_names
from tasks.data.read import find_source
from tasks.data.source import Source
from tasks.extract_features import extract_features
from tasks.filter import filter_classes
from tasks.hold_out import hold_out
from tasks.load import load
from tasks.report_study import report_study
from tasks.reshape import reshape
from tasks.run_trials import run_trials
from tasks.schemas.images import LabelledImages
from tasks.trials import processes
from tasks.trials.trial import Classes, Group, Runner, all_trials

LISTS = ("--pairs", "--subsets")


@pipeline_flow("digit-study")
def study(config: StudyConfig) -> Path:
    """Train a base model by each recipe, and transfer it to every subset from every seed.

    The bases and their features are made by another process, so that this one need not keep
    TensorFlow in memory beside its workers.

    Returns the folder of the report, or raises InputError if the data are unusable.

    Args:
        config: What to do.
    """
    make_bases_in_a_process(config)
    with pipeline_run(config.model_copy(update={"refresh": False})):
        source, data = load_images(config)
        command, config = reproducing_command(config.script, config), config.fitted_to(source, data)
        results = run_trials(train_bases(config, data), runner_of(config), config.refresh)
        return report_study(
            config, command, source, data.images, data.classes, results, describe_bases(config)
        )


@pipeline_flow("digit-bases")
def make_bases(config: StudyConfig) -> None:
    """Train and store the bases of a study, and the features of all images."""
    with pipeline_run(config):
        source, data = load_images(config)
        log_notice(source)
        train_bases(config.fitted_to(source, data), data)


def begin_bases(config: StudyConfig) -> None:
    """Run `make_bases`; a flow itself cannot be sent to another process."""
    make_bases(config)


def load_images(config: StudyConfig) -> tuple[Source, LabelledImages]:
    """Where the images are from, and the images (n, height, width, channels)."""
    source = find_source(config.dataset, config.seeds[0], config.reading)
    data = load(source)
    return source, data.model_copy(update={"images": reshape(data.images)})


def train_bases(config: StudyConfig, data: LabelledImages) -> list[Group]:
    """A base model by each recipe; the trials on one base, and its features, are a group.

    InputError if the data lack a class of a subset.
    """
    base_data = load_base_data(config, config.seeds[0], data)
    return [
        group
        for subsets in config.subsets_by_base(data.classes)
        for group in train_own_bases(config, data, base_data, subsets)
    ]


def train_own_bases(
    config: StudyConfig, data: LabelledImages, base_data: LabelledImages, subsets: Sequence[Classes]
) -> Iterator[Group]:
    """The trials of some subsets on each of their bases, by recipe and seed, and its features."""
    wanted = tuple(sorted(set(chain.from_iterable(subsets))))
    learned = for_the_base(config, base_data, [data.classes[at] for at in wanted])
    images, used = data.images, tuple(range(len(data.classes)))
    if config.base_classes == "others":  # a base of its own needs no other features
        images, used = filter_classes(images, wanted, relabel=False), wanted
    held_out = hold_out(data, used)
    for name, recipe in config.chosen_recipes().items():
        for base_seed, seeds in config.base_seeds().items():
            yield Group(
                trials=tuple(all_trials(name, subsets, seeds)),
                features=extract_features(learned.train(recipe, base_seed), images),
                held_out=held_out,
                training=recipe.head,
                classes=data.classes,
            )


def describe_bases(config: StudyConfig) -> str:
    """What the bases had seen before they were transferred, in words."""
    if config.base_dataset is not None:
        return "bases of other images"
    if config.base_classes == "all":
        return "bases that had seen these classes and images"
    if config.base_classes == "others":
        return "bases that had seen none of their subset's classes"
    return f"bases that had seen the classes {shown_names(config.base_classes)}"


def runner_of(config: StudyConfig) -> Runner:
    """What trains the heads."""
    workers = config.workers or os.cpu_count() or 1
    if config.runner == "dask":
        return partial(processes.run_on_dask, workers=workers, address=config.address)
    return partial(processes.run_on_processes, workers=workers)


def make_bases_in_a_process(config: StudyConfig) -> None:
    """Make the bases in another process, on the server that this one uses, and wait for its end.

    Raises what the flow raised, or BrokenProcessPool if the process was killed.
    """
    with get_client(sync_client=True) as client:
        address = str(client.api_url)
    settings, before = get_current_settings(), dict(os.environ)
    # what the process needs to find the server, which may be a temporary one
    os.environ |= settings.to_environment_variables(exclude_unset=True)
    os.environ["PREFECT_API_URL"] = address
    with processes.one_process() as process:
        try:
            processes.submit(process, begin_bases, config).result()
        finally:
            processes.kill_processes()
            os.environ.clear()
            os.environ |= before


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
    run = partial(call_flow, study, needs_keras=False)
    typed = join_lists(sys.argv[1:])
    sys.exit(run_command(StudyConfig.script, __doc__, StudyConfig, run, typed))
