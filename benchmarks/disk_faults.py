"""What becomes of a run whose disk fails once, and of the run after it.

    python -m benchmarks.disk_faults

A small experiment, the promotion of a retrained model and a study are run again and again, and each
time another write, flush, rename, read or commit of SQLite fails below the artifacts, without space
or with an input/output error; `--most` leaves some out. Trainings take an epoch on 200 images, and
whatever they give counts as healthy.
"""

import argparse
import hashlib
import logging
import re
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, redirect_stderr
from dataclasses import dataclass
from errno import EIO, ENOSPC
from functools import cached_property
from io import StringIO
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from pydantic import BaseModel

from benchmarks.failing_disk import OPERATIONS, FailingDisk, Fault, failing
from benchmarks.machine import print_machine
from benchmarks.processes import prefect_server
from flows.cli import call_flow, run_command
from flows.config import Config, RetrainConfig, StudyConfig
from tasks.registry.registry import Registry
from tasks.storage import files
from tasks.storage.files import file_sha256
from tasks.storage.store import DamagedError, Store, read_arrays, read_checksummed

CODES = {"ENOSPC": ENOSPC, "EIO": EIO}
SENTENCE = re.compile(r"error: (no space left on|/\S* fails at|The model registry) ?.*/.*")
WEIGHTS = re.compile(r'"weights_sha256\\?": ?\\?"([0-9a-f]{64})')
MODEL = "base"
CHECKSUMMED = ("records", "checkpoints", "trials", "batches")
NAMED = ("arrays", "models", "pages")  # files whose names have their digests


class Nothing(BaseModel):
    """The settings of a command that has none."""


@dataclass(frozen=True)
class Said:
    """How a command ended: its exit code, and all that it said and logged."""

    code: int
    text: str

    def flaw(self) -> str:
        """What is wrong with the end of a run whose disk failed; empty if nothing is."""
        errors = [line for line in self.text.splitlines() if line.startswith("error: ")]
        if "Traceback" in self.text:
            return f"a traceback that ends with {self.text.splitlines()[-1]}"
        if self.code == 0 and not errors:
            return ""
        is_told = self.code == 1 and len(errors) == 1 and SENTENCE.fullmatch(errors[0])
        return "" if is_told else f"code {self.code}, {errors}"


@dataclass(frozen=True)
class Flow:
    """A command that is run on artifacts, on a copy of what `prepare` makes."""

    name: str
    call: Callable[[Path], object]
    prepare: Callable[[Path], object]
    folder: Path

    def run(self, artifacts: Path, fault: Fault | None = None) -> tuple[Said, FailingDisk]:
        """Run it on a disk that may fail."""
        disk = FailingDisk(artifacts, fault)
        files._digests.clear()  # else a copy at a place that is free again is not read
        with _told_to(kept := StringIO()), failing(disk):
            code = run_command("a.py", "", Nothing, lambda _: self.call(artifacts), [])
        return Said(code, kept.getvalue()), disk

    @contextmanager
    def copied(self) -> Iterator[Path]:
        """Artifacts as they are before it runs; MLflow remembers a database by its path."""
        before = self.folder / f"before-{self.name}"
        if not before.exists():
            self.prepare(before)
        with TemporaryDirectory(dir=self.folder) as folder:
            yield Path(shutil.copytree(before, f"{folder}/artifacts", symlinks=True))

    @cached_property
    def healthy(self) -> tuple[Counter[str], set[str]]:
        """What it does on a healthy disk, and `results` then."""
        with self.copied() as artifacts:
            said, disk = self.run(artifacts)
            assert said.code == 0, said.text
            return disk.done, results(artifacts)

    def faults(self, most: int) -> Iterator[Fault]:
        """Of each operation and error so many at most, evenly; no disk has no space to read."""
        for operation in OPERATIONS:
            done = self.healthy[0][operation]
            tried = np.linspace(1, done, min(most, done)).astype(int).tolist()
            for code in (EIO,) if operation == "read" else CODES.values():
                yield from (Fault(operation, number, code) for number in tried)


class Outcome(NamedTuple):
    """What came of a fault; a flaw is empty where all is well."""

    is_over: bool  # whether it ended the run, which else did without
    said: str  # the flaw of what was said
    stored: str  # that of what is stored
    after: str  # that of the next run


def try_fault(flow: Flow, fault: Fault) -> Outcome:
    """Run a flow on a disk that fails, look at what is stored, and run it again."""
    with flow.copied() as artifacts:
        said, disk = flow.run(artifacts, fault)
        stored = find_flaw(artifacts)
        again, _ = flow.run(artifacts)
        is_same = again.code == 0 and results(artifacts) == flow.healthy[1]
    flaw = said.flaw() if disk.has_failed else "the fault was not met"
    return Outcome(said.code != 0, flaw, stored, "" if is_same else again.text[-300:] or "other")


def results(artifacts: Path) -> set[str]:
    """The digests of all weights that records and trials name, and of the model in use."""
    store, registry = Store(artifacts), Registry(Store(artifacts), None, MODEL)
    texts = [read_checksummed(store, name).decode() for name in store.names("records")]
    texts += [kept[1] for name in store.names("trials") if (kept := read_arrays(store, name))]
    champion = registry.champion()
    in_use = {file_sha256(registry.network_path(champion))} if champion else set()
    return in_use | {digest for text in texts for digest in WEIGHTS.findall(text)}


def find_flaw(artifacts: Path) -> str:
    """A stored file that is not whole, or left over; empty if there is none."""
    store = Store(artifacts)
    try:
        for name in (name for folder in CHECKSUMMED for name in store.names(folder)):
            read_checksummed(store, name)
    except DamagedError as error:
        return str(error)
    for path in (path for folder in NAMED for path in (artifacts / folder).glob("*")):
        if hashlib.sha256(path.read_bytes()).hexdigest()[:16] not in path.stem:
            return f"{path} is not what its name says"
    for report in (artifacts / "reports").glob("*"):
        if not (report / "metrics.json").read_text().endswith("}\n"):
            return f"{report} is not whole"
    left = [*(artifacts / "tmp").glob("*"), *artifacts.glob("*/.*")]
    return f"{left[0]} is left" if left else _flaw_of_database(artifacts / "registry" / "mlflow.db")


def _flaw_of_database(path: Path) -> str:
    if not path.exists():
        return ""
    with closing(sqlite3.connect(path)) as opened:
        (found,) = opened.execute("PRAGMA quick_check").fetchone()
    return "" if found == "ok" else f"{path}: {found}"


@contextmanager
def _told_to(kept: StringIO) -> Iterator[None]:
    """What is said on stderr and what Prefect logs, for its UI, too, is kept."""
    logger, handler = logging.getLogger("prefect"), logging.StreamHandler(kept)
    logger.addHandler(handler)
    try:
        with redirect_stderr(kept):
            yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def stubbed() -> Iterator[None]:
    """What takes long and has nothing to do with the artifacts is left out."""
    healthy = SimpleNamespace(diagnosis=lambda history: "", is_hopeless=lambda history: False)
    replaced: dict[str, Any] = {
        "tasks.networks.attempts.HealthGate": lambda *given: healthy,
        "matplotlib.figure.Figure.savefig": lambda figure, file, **how: file.write("<svg></svg>"),
        "tasks.challenge.find_flaw": lambda *given: "",
        "tasks.trials.processes.one_process": lambda: ThreadPoolExecutor(1),
        "tasks.trials.trial.use_one_thread": lambda: None,
    }
    with ExitStack() as stack:
        for name, stub in replaced.items():
            stack.enter_context(patch(name, stub))
        yield


def write_digits(path: Path) -> None:
    """200 training and 100 test images of scikit-learn's digits, 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = (images.reshape(-1, 8, 8) * 15).astype(np.uint8)
    train, test = slice(0, 200), slice(200, 300)
    arrays = {"x_train": pixels[train], "x_test": pixels[test]}
    np.savez(path, y_train=labels[train], y_test=labels[test], **arrays)


def flows(folder: Path) -> list[Flow]:
    """A first experiment, the promotion of a retrained model, and a study on a base."""
    from flows.main import main
    from flows.retrain import retrain
    from flows.study import study

    write_digits(folder / "digits.npz")
    (folder / "inbox").mkdir()
    tiny: dict[str, Any] = {"dataset": str(folder / "digits.npz"), "recipes": ("tuned",)}
    tiny |= {"base_epochs": 1, "head_epochs": 1, "folds": 0}
    settings = {"inbox": str(folder / "inbox"), "model": MODEL, "classes": (0, 1, 2)}

    def experiment(to: Path) -> None:
        call_flow(main, Config(**tiny, label_efficiency=False, artifacts=to))

    def retraining(to: Path) -> None:
        call_flow(retrain, RetrainConfig(**tiny, **settings, artifacts=to))

    def trials(to: Path) -> None:
        given = {"pairs": ((0, 1),), "seeds": (0, 1), "workers": 1}
        call_flow(study, StudyConfig(**tiny, **given, artifacts=to))

    def all_but_the_promotion(to: Path) -> None:
        retraining(to)
        shutil.rmtree(to / "registry")

    return [
        Flow("experiment", experiment, Path.mkdir, folder),
        Flow("promotion", retraining, all_but_the_promotion, folder),
        Flow("study", trials, experiment, folder),
    ]


def main() -> None:
    """Print a line for each flow, operation and error, and what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--most", type=int, default=sys.maxsize, help="Of each operation and error."
    )
    parser.add_argument("--flow", default="", help="The one whose name has this.")
    given = parser.parse_args()
    with TemporaryDirectory() as folder, stubbed(), _own_server():
        print_machine()
        print("| flow | operation | error | of | tried | ended | told | whole | same weights |")
        print("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for flow in (one for one in flows(Path(folder)) if given.flow in one.name):
            _print_rows(flow, given.most)


def _print_rows(flow: Flow, most: int) -> None:
    names = {code: name for name, code in CODES.items()}
    kinds = groupby(flow.faults(most), lambda fault: (fault.operation, fault.code))
    for (operation, code), faults in kinds:
        found = [_told(flow, fault) for fault in faults]
        flaws = [
            sum(not flaw for flaw in of) for of in zip(*(one[1:] for one in found), strict=True)
        ]
        counts = (flow.healthy[0][operation], len(found), sum(one.is_over for one in found), *flaws)
        numbers = " | ".join(map(str, counts))
        print(f"| {flow.name} | {operation} | {names[code]} | {numbers} |", flush=True)


def _told(flow: Flow, fault: Fault) -> Outcome:
    """Try a fault, and print on stderr what should not have been."""
    outcome = try_fault(flow, fault)
    if any(outcome[1:]):
        print(f"{flow.name}, {fault}: {outcome}", file=sys.stderr, flush=True)
    return outcome


@contextmanager
def _own_server() -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with (
        prefect_server() as told,
        temporary_settings({PREFECT_API_URL: told[PREFECT_API_URL.name]}),
    ):
        yield


if __name__ == "__main__":
    main()
