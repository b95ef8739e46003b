"""Accuracy and training time of every model, for several seeds.

    python -m benchmarks.accuracy --seeds 0 1 2 3 4

Runs the pipeline once a seed, all recipes in the same run, on the data that TRANSFER_DATASET
names, and says how far the tuned base is after its first two epochs.
"""

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks.early import train_briefly
from benchmarks.machine import print_machine
from flows.config import Config
from flows.main import main as run_pipeline
from flows.recipes import RECIPES

EARLY_EPOCHS = 2


def print_rows(seed: int, models: Sequence[dict[str, Any]]) -> None:
    """A line for each model of a run."""
    for model in models:
        print(
            f"| {seed} | {model['recipe']} | {model['model']} | {model['accuracy']:.4f} | "
            f"{model['errors']} of {model['n']} | {model['attempts']} | "
            f"{model['fit_seconds']:.1f} | {model['precision']} |",
            flush=True,
        )


def print_summary(models: Sequence[dict[str, Any]]) -> None:
    """Mean accuracy, median errors and mean time of each model over the seeds.

    The time of an attempt is told beside the time of all, since only the notebook needs several.
    """
    found = defaultdict(list)
    for model in models:
        found[model["recipe"], model["model"]].append(model)
    print("\n| recipe | model | mean accuracy | median errors | attempts | seconds each |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for (recipe, name), same in found.items():
        attempts = sum(model["attempts"] for model in same)
        print(
            f"| {recipe} | {name} | {mean(m['accuracy'] for m in same):.4f} | "
            f"{median(m['errors'] for m in same):g} | {attempts} for {len(same)} | "
            f"{sum(m['fit_seconds'] for m in same) / attempts:.1f} |"
        )


def main() -> None:
    """Run every seed and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    arguments = parser.parse_args()
    print_machine()
    print("| seed | recipe | model | accuracy | errors | attempts | seconds | precision |")
    print("| ---: | --- | --- | ---: | ---: | ---: | ---: | --- |")
    models: list[dict[str, Any]] = []
    early: list[str] = []
    for seed in arguments.seeds:
        dataset = os.environ.get("TRANSFER_DATASET", "auto")
        config = Config(
            dataset=dataset,
            seed=seed,
            recipes=tuple(arguments.recipes),
            artifacts=arguments.artifacts,
            label_efficiency=False,
        )
        found = json.loads((run_pipeline(config) / "metrics.json").read_text())["models"]
        print_rows(seed, found)
        models += found
        if "tuned" in arguments.recipes:
            early.append(f"{train_briefly(config, 'tuned', EARLY_EPOCHS).accuracy:.4f}")
    print_summary(models)
    if early:
        print(f"\nThe tuned base after {EARLY_EPOCHS} epochs: {', '.join(early)}")


if __name__ == "__main__":
    main()
