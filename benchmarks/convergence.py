"""How many heads learn, without and with the health gate.

    python -m benchmarks.convergence --heads 100

Trains so many heads of each kind on the base of each recipe, on the data that TRANSFER_DATASET
names. The bases come from the artifacts folder; what is missing there is trained first.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import print_machine
from flows.config import Config
from flows.run import pipeline_flow
from flows.transfers import for_the_base
from tasks.data.names import positions
from tasks.data.read import find_source
from tasks.errors import DeadModelError
from tasks.extract_features import extract_features
from tasks.filter import filter_classes
from tasks.load import load
from tasks.networks.architecture import ONE_NODE, HeadSpecification, build_head, softmax_head
from tasks.networks.attempts import train_until_healthy
from tasks.networks.epochs import derive_seed
from tasks.networks.health import HealthGate
from tasks.networks.inference import predicted_classes, run
from tasks.networks.losses import targets_for
from tasks.networks.recipe import Training
from tasks.networks.training import Compiled, fit
from tasks.one_hot import one_hot
from tasks.reshape import reshape
from tasks.schemas.references import Split
from tasks.schemas.training import History
from tasks.storage.stages import Checkpoint, current_store
from tasks.storage.store import Store

QUANTILES = (0.0, 0.1, 0.5, 0.9)


class Extraction(Config):
    """The experiment's settings; a run that ends well is not the experiment's."""

    script: ClassVar[str] = "benchmarks/convergence.py"


@dataclass(frozen=True)
class Features:
    """A split as a base's backbone sees it: features float32 (n, 1152), one-hot (n, classes)."""

    inputs: NDArray[np.float32]
    one_hot: NDArray[np.float32]


@dataclass(frozen=True)
class Outcome:
    """What came of one head."""

    learned: bool
    accuracy: float
    attempts: int


@pipeline_flow("convergence")
def extract(config: Extraction) -> dict[str, tuple[Features, Features]]:
    """Training and test features of the subset, by the recipe whose base computes them."""
    source = find_source(config.dataset, config.seed)
    data = load(source)
    config = config.fitted_to(source, data)
    images, chosen = reshape(data.images), positions(config.classes, data.classes)
    subset = one_hot(filter_classes(images, chosen), len(chosen))
    learned = for_the_base(config, data.model_copy(update={"images": images}), config.classes)
    features = {}
    for name, recipe in config.chosen_recipes().items():
        extracted = extract_features(learned.train(recipe, config.seed), subset)
        features[name] = (_read(extracted.train), _read(extracted.test))
    return features


def _read(split: Split) -> Features:
    store = current_store()
    return Features(store.array(split.inputs), store.array(split.labels))


def train_without_gate(
    head: HeadSpecification, training: Training, train: Features, test: Features, seed: int
) -> Outcome:
    """One attempt, to its last epoch."""
    targets = targets_for(head.nodes, train.one_hot)
    attempt_seed = derive_seed(seed, head.name, 0)
    model = build_head(head, train.inputs.shape[1], training, attempt_seed)
    compiled = Compiled(model, train.inputs, targets, training)
    fit(compiled, train.inputs, targets, attempt_seed)
    return _judge(model, training, train, test, targets, 1)


def train_with_gate(
    head: HeadSpecification, training: Training, train: Features, test: Features, seed: int
) -> Outcome:
    """As many attempts as it takes."""
    targets = targets_for(head.nodes, train.one_hot)
    model = build_head(head, train.inputs.shape[1], training)
    with TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Store(Path(folder)), "head")
        try:
            nobody = np.zeros(len(targets), bool)
            _, attempts, _ = train_until_healthy(
                model, train.inputs, targets, training, seed, checkpoint, (0, 1), nobody
            )
        except DeadModelError:
            return Outcome(learned=False, accuracy=0.0, attempts=training.attempts)
    return _judge(model, training, train, test, targets, len(attempts))


def _judge(
    model: Any,
    training: Training,
    train: Features,
    test: Features,
    targets: NDArray[np.float32],
    attempts: int,
) -> Outcome:
    hits = predicted_classes(run(model, test.inputs)) == predicted_classes(test.one_hot)
    rows = np.arange(len(targets), dtype=np.int32)
    reason = HealthGate(model, train.inputs, targets, rows, training).diagnosis(History())
    return Outcome(learned=not reason, accuracy=float(hits.mean()), attempts=attempts)


def print_row(names: Sequence[str], outcomes: Sequence[Outcome]) -> None:
    """A line of the table."""
    attempts = [outcome.attempts for outcome in outcomes]
    quantiles = np.quantile([outcome.accuracy for outcome in outcomes], QUANTILES)
    cells = [
        *names,
        f"{sum(outcome.learned for outcome in outcomes)} of {len(outcomes)}",
        f"{np.mean(attempts):.2f}",
        str(max(attempts)),
        *(f"{quantile:.4f}" for quantile in quantiles),
    ]
    print("|", " | ".join(cells), "|", flush=True)


def main() -> None:
    """Train the heads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--heads", type=int, default=100, help="of each kind and recipe")
    parser.add_argument("--seed", type=int, default=0, help="of the bases")
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    arguments = parser.parse_args()
    dataset = os.environ.get("TRANSFER_DATASET", "auto")
    config = Extraction(dataset=dataset, seed=arguments.seed, artifacts=arguments.artifacts)
    features = extract(config)
    print_machine()
    print(
        "| recipe | head | gate | learned | mean attempts | most | worst | 10 % | median | 90 % |"
    )
    print("| --- | --- | --- |" + " ---: |" * 7)
    for name, recipe in config.chosen_recipes().items():
        for head in (softmax_head(2), ONE_NODE):
            for gate, train in (("no", train_without_gate), ("yes", train_with_gate)):
                outcomes = [
                    train(head, recipe.head, *features[name], seed)
                    for seed in range(arguments.heads)
                ]
                print_row((name, head.name, gate), outcomes)


if __name__ == "__main__":
    main()
