"""The whole experiment: train a base model, transfer it to some classes, compare.

python flows/main.py --help
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from flows.startup import begin

    begin()

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flows.base_data import BaseData, for_the_base, load_base_data
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
from tasks.schemas.references import ArrayReference, Dataset
from tasks.schemas.results import LabelEfficiency, Refusals, Result
from tasks.schemas.training import TrainedModel
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
class Data:
    """Images (n, h, w, channels) to train on; `of_base` and `subset` have one-hot labels."""

    whole: LabelledImages
    base: BaseData
    of_base: Dataset
    subset: Dataset
    chosen: tuple[int, ...]  # the subset's classes among all
    learned: tuple[int, ...]  # those among all that bases learn from the same images
    nodes: tuple[int, ...]  # the bases' nodes of the subset's classes, if they learn all of them


def prepare(config: Config, data: LabelledImages, images: Dataset) -> Data:
    """The images of a base and of a subset, from images (n, h, w, channels) of all classes."""
    whole = data.model_copy(update={"images": images})
    base = for_the_base(config, load_base_data(config, config.seed, whole), config.classes)
    chosen = positions(config.classes, data.classes)
    learned = () if config.base_dataset else positions(base.classes, data.classes)
    knows_all = set(chosen) <= set(learned)
    return Data(
        whole=whole,
        base=base,
        of_base=one_hot(base.images, len(base.classes)),
        subset=one_hot(filter_classes(images, chosen), len(chosen)),
        chosen=chosen,
        learned=learned,
        nodes=tuple(map(learned.index, chosen)) if knows_all else (),
    )


@dataclass(frozen=True)
class Experiment:
    """What came of an experiment: the images, a transfer by each recipe, and the report."""

    data: Data
    transfers: list["Transfer"]
    report: Path


def experiment(config: Config, source: Source, data: LabelledImages, images: Dataset) -> Experiment:
    """The notebook's experiment on images (n, h, w, channels), by each recipe, and its report."""
    command, config = reproducing_command(config.script, config), config.fitted_to(source, data)
    prepared = prepare(config, data, images)
    transfers = [
        train_and_transfer(name, recipe, prepared, config)
        for name, recipe in config.chosen_recipes().items()
    ]
    subset = prepared.subset
    findings = compare(
        [result for transfer in transfers for result in (transfer.base, *transfer.heads)],
        [(transfer.name, transfer.refusals) for transfer in transfers],
        measure_label_efficiency(transfers[-1], subset, config) if config.label_efficiency else [],
        images,
        data.classes,
        config.classes,
        prepared.base.images,
        prepared.base.classes,
        config.base_dataset is not None,
        is_mnist(images) and prepared.base.images == images,
    )
    folder = report(config, command, source, images, subset, findings)
    return Experiment(prepared, transfers, folder)


@dataclass(frozen=True)
class Transfer:
    """What came of one recipe: its base, the subset's features, and the heads on them."""

    name: str
    recipe: Recipe
    base: Result
    features: Dataset
    heads: list[Result]
    refusals: Refusals


def train_and_transfer(name: str, recipe: Recipe, data: Data, config: Config) -> Transfer:
    """One recipe: the base model, its transfers, and how each does on the test images."""
    names, seed, own = config.classes, config.seed, data.base
    centred, held_out = not own.handwriting, hold_out(data.whole, data.chosen)
    base = train_base(
        data.of_base.train, own.classes, recipe.scaling, recipe.base, seed, own.held_out, centred
    )
    features = extract_features(base, data.subset)
    heads = [transfer_two_node(base, features.train, names, recipe.head, seed, held_out)]
    if len(names) == 2:
        heads.append(transfer_one_node(base, features.train, names, recipe.head, seed, held_out))
    of_base = evaluate(base, data.of_base.test, recipe.base)
    of_heads = [(head, evaluate(head, features.test, recipe.head)) for head in heads]
    return Transfer(
        name,
        recipe,
        Result(recipe=name, trained=base, evaluation=of_base),
        features,
        [Result(recipe=name, trained=head, evaluation=found) for head, found in of_heads],
        refuse(base, heads, features, data, held_out, config.refuse_own),
    )


def refuse(
    base: TrainedModel,
    heads: Sequence[TrainedModel],
    features: Dataset,
    data: Data,
    held_out: ArrayReference,
    share: float,
) -> Refusals:
    """What the base and its heads refuse of images that are not theirs."""
    nodes = tuple(range(len(data.base.classes)))
    if data.learned:
        unknown = extract_unknown(base, data.whole.images, data.learned, data.learned)
    else:
        unknown = extract_unknown(base, data.base.images, nodes, nodes)
    calibrating = data.base.held_out
    by_base = evaluate_refusal(base, [base], data.of_base, calibrating, nodes, unknown, share)
    unknown = extract_unknown(base, data.whole.images, data.chosen, data.learned)
    by_heads = evaluate_refusal(base, heads, features, held_out, data.nodes, unknown, share)
    return Refusals(models=by_base.models + by_heads.models)


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
