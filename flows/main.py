"""The whole experiment: train a base model, transfer it to some classes, compare.

python flows/main.py --help
"""

import sys
from pathlib import Path

from prefect import flow

from flows.command_line import run_from_command_line
from flows.config import Config
from flows.run import log_notice, pipeline_run
from tasks.compare import compare
from tasks.evaluate import evaluate
from tasks.extract_features import extract_features
from tasks.filter import filter_classes
from tasks.load import load
from tasks.networks.recipe import Recipe
from tasks.one_hot import one_hot
from tasks.report import report
from tasks.reporting.comparison import Result, describe_models
from tasks.reporting.metrics import is_mnist
from tasks.reshape import reshape
from tasks.sources.find import find_source
from tasks.storage.references import Dataset
from tasks.train_base import train_base
from tasks.transfer_one_node import transfer_one_node
from tasks.transfer_two_node import transfer_two_node

DIGITS = 10


@flow(name="digit-transfer")
def main(config: Config) -> Path:
    """Train, transfer, compare.

    Args:
        config: What to do.

    Returns:
        The folder of the report.

    Raises:
        InputError: The data or the configuration cannot be used; one sentence says why.
    """
    with pipeline_run(config):
        source = find_source(config.dataset, config.seed)
        log_notice(source)
        images = reshape(load(source))
        subset = filter_classes(images, config.classes)
        digits = one_hot(images, DIGITS)
        subset = one_hot(subset, len(config.classes))
        results = [
            result
            for name, recipe in config.chosen_recipes().items()
            for result in train_and_transfer(name, recipe, digits, subset, config.seed)
        ]
        models = describe_models(results, is_mnist(images), config.classes)
        return report(config, source, images, subset, models, compare(models))


def train_and_transfer(
    name: str, recipe: Recipe, digits: Dataset, subset: Dataset, seed: int
) -> list[Result]:
    """One recipe: the base model, its two transfers, and how each does on the test images."""
    base = train_base(digits.train, recipe.scaling, recipe.base, seed)
    features = extract_features(base, subset)
    heads = [transfer_two_node(base, features.train, recipe.head, seed)]
    if features.train.labels.shape[1] == 2:
        heads.append(transfer_one_node(base, features.train, recipe.head, seed))
    return [
        Result(name, base, evaluate(base, digits.test, recipe.base.loss)),
        *(Result(name, head, evaluate(head, features.test, recipe.head.loss)) for head in heads),
    ]


if __name__ == "__main__":
    sys.exit(run_from_command_line(main))
