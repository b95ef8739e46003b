"""The whole experiment: train a base model, transfer it to some classes, compare.

python flows/main.py --help
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from startup import begin

    begin()

import sys
from functools import partial
from pathlib import Path

from flows.cli import call_flow, run_command
from flows.cli_types import reproducing_command
from flows.config import Config
from flows.run import load_data, pipeline_flow
from flows.transfers import Data, Transfer, as_published, prepare, train_and_transfer
from tasks.compare import compare
from tasks.data.source import Source
from tasks.find_overlap import find_overlap
from tasks.label_efficiency import label_efficiency
from tasks.networks.approaches import APPROACHES
from tasks.report import report
from tasks.reshape import reshape
from tasks.schemas.results import LabelEfficiency, Learned
from tasks.storage.stages import by_recipe


@pipeline_flow("digit-transfer")
def main(config: Config) -> Path:
    """Train, transfer, compare; the folder of the report; InputError if the data are unusable."""
    source, data, fitted = load_data(config, config.seed)
    whole = data.model_copy(update={"images": reshape(data.images)})
    return experiment(config, fitted, source, prepare(fitted, whole))[1]


def experiment(
    asked: Config, config: Config, source: Source, prepared: Data
) -> tuple[list[Transfer], Path]:
    """A transfer by each recipe, and the folder of the report, as it was asked and is fitted."""
    command, images = reproducing_command(asked.script, asked), prepared.whole.images
    transfers = [
        train_and_transfer(name, recipe, prepared, config)
        for name, recipe in config.chosen_recipes().items()
    ]
    base, subset = prepared.base, prepared.subset
    is_other = config.base_dataset is not None
    learned = Learned(images=base.images, classes=base.classes, is_other=is_other)
    findings = compare(
        [result for transfer in transfers for result in (transfer.base, *transfer.heads)],
        [one for transfer in transfers for one in as_published(transfer, prepared, config)],
        [(transfer.name, transfer.refusals) for transfer in transfers],
        measure_label_efficiency(transfers[-1], prepared, config),
        prepared.whole,
        config.classes,
        learned,
        find_overlap(images),
    )
    folder = report(config, command, source, images, subset, findings)
    return transfers, folder


def measure_label_efficiency(
    transfer: Transfer, data: Data, config: Config
) -> list[LabelEfficiency]:
    """Transfer and what it has to beat, with few labels and with all, by one recipe's rules."""
    if not config.label_efficiency:
        return []
    base, features, recipe = transfer.base.trained, transfer.features, transfer.recipe
    approaches = APPROACHES if data.nodes else APPROACHES[:-1]  # the base may not know the classes
    with by_recipe(transfer.name):
        return [
            label_efficiency(one, base, data.subset, features, data.nodes, recipe, config.seed)
            for one in approaches
        ]


if __name__ == "__main__":
    sys.exit(run_command(Config.script, __doc__, Config, partial(call_flow, main)))
