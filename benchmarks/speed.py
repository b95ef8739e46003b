"""The pipeline against the plain script, case by case, in alternation on the same data.

    python -m benchmarks.speed --runs 3
    python -m benchmarks.speed --cases cached
    python -m benchmarks.speed --quick

Uses the data that TRANSFER_DATASET names, and for the case `nothing` the program that DVC names.
Prints the median of each side and of their ratios.
"""

import argparse
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.machine import print_machine
from benchmarks.processes import Finished, prefect_server, run

FLOW = "flows/main.py"
DVC = os.environ.get("DVC", "dvc")  # of an environment of its own, as it pins much
HEAD_STAGES = ("extract-features", "transfer-two-node", "transfer-one-node")


@dataclass(frozen=True)
class Setting:
    """What the cases run on.

    The seed is one whose first base is healthy, since the script trains one and does not look; it
    has no study either.
    """

    dataset: str
    recipe: str
    seed: int
    good: float
    epochs: tuple[str, ...]
    plain_epochs: tuple[str, ...]

    def pipeline(self, artifacts: str, *more: str) -> list[str]:
        """The arguments of a run of the pipeline."""
        chosen = ("--dataset", self.dataset, "--recipes", self.recipe, "--seed", str(self.seed))
        return [
            FLOW,
            *chosen,
            "--no-label-efficiency",
            "--artifacts",
            artifacts,
            *self.epochs,
            *more,
        ]

    def plain(self) -> list[str]:
        """The arguments of a run of the plain script."""
        return ["-m", "benchmarks.plain", self.dataset, *self.plain_epochs]

    def early(self, recipe: str) -> float:
        """The seconds that a recipe's base is trained until it is good."""
        asked = (self.dataset, "--recipe", recipe, "--accuracy", str(self.good))
        return float(json.loads(run(["-m", "benchmarks.early", *asked]).output)["seconds"])


@dataclass(frozen=True)
class Pair:
    """One measurement: seconds of ours, and of what it is held against."""

    ours: float
    theirs: float


def cold(setting: Setting, artifacts: str) -> Iterator[tuple[str, Pair]]:
    """Whole programs from nothing, then what a change costs after that."""
    plain = run(setting.plain())
    first = run(setting.pipeline(artifacts))
    yield "cold run / plain script", _seconds(first, plain)
    yield "peak memory, MB", Pair(first.peak_mb, plain.peak_mb)
    parts = json.loads(plain.output)
    transfers = Pair(_head_seconds(artifacts), parts["transfers"])
    yield "transfers and their evaluation / plain script's", transfers
    tuned, fast = setting.early("tuned"), setting.early("fast")
    yield f"tuned base to {setting.good} test accuracy / plain script's", Pair(tuned, parts["base"])
    yield f"fast base / tuned base to {setting.good} test accuracy", Pair(fast, tuned)
    head = run(setting.pipeline(artifacts, "--head-epochs", "4"))
    yield "head settings changed / cold run", _seconds(head, first)
    pair = run(setting.pipeline(artifacts, "--classes", "3,5"))
    yield "another pair of classes / cold run", _seconds(pair, first)


def nothing(setting: Setting, artifacts: str) -> Iterator[tuple[str, Pair]]:
    """A run in which all is stored, and its explanation, against DVC of as many stages."""
    run(setting.pipeline(artifacts))
    again = setting.pipeline(artifacts)
    with TemporaryDirectory() as folder:
        repro = dvc_repository(Path(folder), len(_tasks(artifacts)) + 1)
        pair = _seconds(run(again), repro())
        yield "nothing to do, no server / dvc repro", pair
        yield "--explain / dvc repro", _seconds(run([*again, "--explain"]), repro())


def dvc_repository(folder: Path, stages: int) -> Callable[[], Finished]:
    """What runs `dvc repro` where a chain of so many stages is up to date."""
    chain = {
        f"stage-{n}": {"cmd": f"cp {n} {n + 1}", "deps": [str(n)], "outs": [str(n + 1)]}
        for n in range(stages)
    }
    (folder / "0").write_bytes(os.urandom(1_000_000))
    (folder / "dvc.yaml").write_text(json.dumps({"stages": chain}))
    environment = os.environ | {"DVC_NO_ANALYTICS": "1"}

    def dvc(*words: str) -> Finished:
        started = time.perf_counter()
        subprocess.run([DVC, *words], cwd=folder, env=environment, check=True, capture_output=True)
        return Finished(time.perf_counter() - started, 0, "")

    dvc("init", "--no-scm")
    dvc("repro")
    return partial(dvc, "repro")


def cached(setting: Setting, artifacts: str) -> Iterator[tuple[str, Pair]]:
    """A run in which all is cached, against an empty flow of as many tasks."""
    run(setting.pipeline(artifacts))
    empty = ["-m", "benchmarks.empty", str(len(_tasks(artifacts)) + 1)]
    again = setting.pipeline(artifacts)
    with prefect_server() as server:
        run(empty, server)  # the first run of a new server sets up its database
        pair = _seconds(run(again, server), run(empty, server))
        yield "cached run / empty flow, running server", pair


CASES: dict[str, Callable[[Setting, str], Iterator[tuple[str, Pair]]]] = {
    "cold": cold,
    "nothing": nothing,
    "cached": cached,
}


def _seconds(ours: Finished, theirs: Finished) -> Pair:
    return Pair(ours.seconds, theirs.seconds)


def _tasks(artifacts: str) -> list[dict[str, float | str]]:
    metrics = Path(artifacts, "reports", "latest", "metrics.json").read_text()
    tasks: list[dict[str, float | str]] = json.loads(metrics)["tasks"]
    return tasks


def _head_seconds(artifacts: str) -> float:
    """Features, both transfers and both evaluations; the first evaluation is the base's."""
    tasks = _tasks(artifacts)
    evaluations = [task for task in tasks if task["task"] == "evaluate"][1:]
    stages = [task for task in tasks if task["task"] in HEAD_STAGES]
    return sum(float(task["seconds"]) for task in stages + evaluations)


def print_table(pairs: dict[str, list[Pair]]) -> None:
    """Medians of both sides and of their ratios, pair by pair."""
    print("| case | ours | theirs | ratio | runs |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for case, found in pairs.items():
        ours, theirs = median(p.ours for p in found), median(p.theirs for p in found)
        ratio = median(p.ours / p.theirs for p in found)
        print(f"| {case} | {ours:.2f} | {theirs:.2f} | {ratio:.2f} | {len(found)} |")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--quick", action="store_true", help="one run on shrunken data")
    arguments = parser.parse_args()
    dataset = os.environ.get("TRANSFER_DATASET", "auto")
    setting = Setting(dataset, "notebook", arguments.seed, 0.99, (), ())
    if arguments.quick:
        few = ("--base-epochs", "3")
        setting = Setting("digits", "tuned", 0, 0.8, few, (*few, "--head-epochs", "3"))
    pairs: dict[str, list[Pair]] = {}
    for _ in range(1 if arguments.quick else arguments.runs):
        with TemporaryDirectory() as artifacts:
            for case in arguments.cases:
                for name, pair in CASES[case](setting, artifacts):
                    pairs.setdefault(name, []).append(pair)
    print_machine()
    print_table(pairs)


if __name__ == "__main__":
    main()
