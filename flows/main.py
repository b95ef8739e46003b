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
    """What came of an experiment: the labelled images, a transfer by each recipe, the report."""

    all_classes: Dataset
    subset: Dataset
    transfers: list["Transfer"]
    report: Path


def experiment(config: Config, source: Source, data: LabelledImages, images: Dataset) -> Experiment:
    """The notebook's experiment on images (n, h, w, channels), by each recipe, and its report."""
    command, config = reproducing_command(config.script, config), config.fitted_to(source, data)
    subset = filter_classes(images, positions(config.classes, data.classes))
    all_classes = one_hot(images, len(data.classes))
    subset = one_hot(subset, len(config.classes))
    transfers = [
        train_and_transfer(name, recipe, images, data, all_classes, subset, config)
        for name, recipe in config.chosen_recipes().items()
    ]
    findings = compare(
        [result for transfer in transfers for result in (transfer.base, *transfer.heads)],
        [(transfer.name, transfer.refusals) for transfer in transfers],
        measure_label_efficiency(transfers[-1], subset, config) if config.label_efficiency else [],
        images,
        data.classes,
        config.classes,
        is_mnist(images),
    )
    folder = report(config, command, source, images, subset, findings)
    return Experiment(all_classes, subset, transfers, folder)


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
    data: LabelledImages,
    all_classes: Dataset,
    subset: Dataset,
    config: Config,
) -> Transfer:
    """One recipe: the base model, its transfers, and how each does on the test images."""
    chosen, seed = config.classes, config.seed
    classes, centred = data.classes, not data.preparation.handwriting
    base = train_base(all_classes.train, classes, recipe.scaling, recipe.base, seed, centred)
    features = extract_features(base, subset)
    heads = [transfer_two_node(base, features.train, chosen, recipe.head, seed)]
    if len(chosen) == 2:
        heads.append(transfer_one_node(base, features.train, chosen, recipe.head, seed))
    of_base = evaluate(base, all_classes.test, recipe.base.loss)
    of_heads = [(head, evaluate(head, features.test, recipe.head.loss)) for head in heads]
    return Transfer(
        name,
        recipe,
        Result(recipe=name, trained=base, evaluation=of_base),
        features,
        [Result(recipe=name, trained=head, evaluation=found) for head, found in of_heads],
        evaluate_refusal(extract_unknown(base, images, positions(chosen, classes)), of_heads),
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
