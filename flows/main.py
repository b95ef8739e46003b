"""The whole experiment: train a base model, transfer it to some classes, compare.

python flows/main.py --help
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from flows.startup import begin

    begin()

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flows.base_data import for_the_base, load_base_data
from flows.cli import call_flow, run_command
from flows.cli_types import reproducing_command
from flows.config import Config
from flows.run import log_notice, pipeline_flow, pipeline_run
from tasks.compare import compare
from tasks.data.mnist import is_mnist
from tasks.data.names import positions
from tasks.data.read import find_source
from tasks.data.source import Source
from tasks.evaluate import evaluate
from tasks.evaluate_refusal import evaluate_refusal
from tasks.extract_features import extract_features
from tasks.extract_unknown import extract_unknown
from tasks.filter import filter_classes
from tasks.hold_out import hold_out
from tasks.label_efficiency import label_efficiency
from tasks.load import load
from tasks.networks.approaches import APPROACHES
from tasks.networks.recipe import Recipe
from tasks.one_hot import one_hot
from tasks.report import report
from tasks.reshape import reshape
from tasks.schemas.images import LabelledImages
from tasks.schemas.references import Dataset
from tasks.schemas.results import LabelEfficiency, Refusals, Result
from tasks.train_base import train_base
from tasks.transfer_one_node import transfer_one_node
from tasks.transfer_two_node import transfer_two_node


@pipeline_flow("digit-transfer")
def main(config: Config) -> Path:
    """Train, transfer, compare; the folder of the report, or InputError if the data are unusable.

    Args:
        config: What to do.
    """
    with pipeline_run(config):
        source = find_source(config.dataset, config.seed, config.reading)
        log_notice(source)
        data = load(source)
        return experiment(config, source, data, reshape(data.images)).report


@dataclass(frozen=True)
class Experiment:
    """What came of an experiment: the images, a transfer by each recipe, and the report.

    The images of the base, and those of the subset, have one-hot labels.
    """

    of_base: Dataset
    subset: Dataset
    transfers: list["Transfer"]
    report: Path


def experiment(config: Config, source: Source, data: LabelledImages, images: Dataset) -> Experiment:
    """The notebook's experiment on images (n, h, w, channels), by each recipe, and its report."""
    command, config = reproducing_command(config.script, config), config.fitted_to(source, data)
    base_data = load_base_data(config, config.seed, data, images)
    base_data = for_the_base(config, base_data, config.classes)
    chosen = positions(config.classes, data.classes)
    subset = filter_classes(images, chosen)
    of_base = one_hot(base_data.images, len(base_data.classes))
    subset = one_hot(subset, len(config.classes))
    transfers = [
        train_and_transfer(name, recipe, images, chosen, base_data, of_base, subset, config)
        for name, recipe in config.chosen_recipes().items()
    ]
    findings = compare(
        [result for transfer in transfers for result in (transfer.base, *transfer.heads)],
        [(transfer.name, transfer.refusals) for transfer in transfers],
        measure_label_efficiency(transfers[-1], subset, config) if config.label_efficiency else [],
        images,
        data.classes,
        config.classes,
        base_data,
        config.base_dataset is not None,
        is_mnist(images) and base_data.images == images,
    )
    folder = report(config, command, source, images, subset, findings)
    return Experiment(of_base, subset, transfers, folder)


@dataclass(frozen=True)
class Transfer:
    """What came of one recipe: its base, the subset's features, and the heads on them."""

    name: str
    recipe: Recipe
    base: Result
    features: Dataset
    heads: list[Result]
    refusals: Refusals


def train_and_transfer(
    name: str,
    recipe: Recipe,
    images: Dataset,
    chosen: tuple[int, ...],
    base_data: LabelledImages,
    of_base: Dataset,
    subset: Dataset,
    config: Config,
) -> Transfer:
    """One recipe: the base model, its transfers, and how each does on the test images."""
    names, seed = config.classes, config.seed
    classes, centred = base_data.classes, not base_data.preparation.handwriting
    scaling, held_out = recipe.scaling, hold_out(of_base.train)
    base = train_base(of_base.train, classes, scaling, recipe.base, seed, held_out, centred)
    features = extract_features(base, subset)
    held_out = hold_out(subset.train)
    heads = [transfer_two_node(base, features.train, names, recipe.head, seed, held_out)]
    if len(names) == 2:
        heads.append(transfer_one_node(base, features.train, names, recipe.head, seed, held_out))
    evaluated = evaluate(base, of_base.test, recipe.base)
    of_heads = [(head, evaluate(head, features.test, recipe.head)) for head in heads]
    return Transfer(
        name,
        recipe,
        Result(recipe=name, trained=base, evaluation=evaluated),
        features,
        [Result(recipe=name, trained=head, evaluation=found) for head, found in of_heads],
        evaluate_refusal(extract_unknown(base, images, chosen), of_heads),
    )


def measure_label_efficiency(
    transfer: Transfer, subset: Dataset, config: Config
) -> list[LabelEfficiency]:
    """Transfer and what it has to beat, with few labels and with all, by one recipe's rules."""
    base, features, recipe = transfer.base.trained, transfer.features, transfer.recipe
    return [
        label_efficiency(approach, base, subset, features, recipe, config.seed)
        for approach in APPROACHES
    ]


if __name__ == "__main__":
    sys.exit(run_command(Config.script, __doc__, Config, partial(call_flow, main)))
