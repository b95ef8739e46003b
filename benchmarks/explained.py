"""Whether what `--explain` says of each stage is what then happens, mutation by mutation.

    python -m benchmarks.explained

A small experiment runs once in a copy of the checkout, on 1,000 of scikit-learn's digits. Then
another setting, another line in each module that its stages depend on, a file of the artifacts that
is lost or damaged, or another version of a library: each alone, in a new copy. What `--explain`
says there of each stage is held against the states in the report of the run that follows, and
against the reasons in its log. What `may run` is right either way. `--only` takes some.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from benchmarks.machine import print_machine
from tasks.networks.hardware import resolve_precision
from tasks.storage.source import reachable

ROOT = Path(__file__).parents[1]
DATA, IMAGES = "digits.npz", 1000
OPTIONS = (
    *("--dataset", DATA, "--artifacts", "artifacts", "--recipes", "tuned", "--base-epochs", "8"),
    *("--head-epochs", "2", "--folds", "0", "--no-label-efficiency"),
)
UNKNOWN = "no result of it is stored here"
OTHER_INPUT = "has other content"  # which may be known only once another stage ran
OWN = ("PREFECT_", "TRANSFER_")  # settings of whoever runs this
MORE = re.compile(r" and \d+ more$")
LOGGED = re.compile(r"^(\S.*?) +runs: (.+)$", re.MULTILINE)
EXPLAINING = """
import json, sys
from functools import partial
from flows import cli
from flows.main import Config, main
cli.fill = lambda template, told, pictures: json.dumps(told["rows"])
call = partial(cli.call_flow, main)
sys.exit(cli.run_command("flows/main.py", "", Config, call, [*sys.argv[1:], "--explain"]))
"""
VERSION = """
import importlib.metadata as of
found = of.version
of.version = lambda name: "99.0" if name == "{library}" else found(name)
"""


@dataclass(frozen=True)
class Mutation:
    """One thing that is another than before: options, or what `change` does to a copy."""

    kind: str
    name: str
    change: Callable[[Path], object]
    options: tuple[str, ...] = ()
    matters: bool = True  # whether any stage has to run


class Said(NamedTuple):
    """What was said of a stage, as `tasks.storage.execution.Row`."""

    stage: str
    fate: str
    reason: str


class Happened(NamedTuple):
    """How a stage ended, and the reason that the log has, if there is one."""

    stage: str
    state: str
    reason: str = ""


class Outcome(NamedTuple):
    """What was said and what happened, stage by stage, both in the flow's order."""

    said: list[Said]
    happened: list[Happened]

    def flaw(self, matters: bool) -> str:
        """The first thing that is not as was said; empty if all is."""
        pairs = zip(self.said, self.happened, strict=False)
        flaws = [f"{one}, but {other}" for one, other in pairs if not is_right(one, other)]
        if matters == all(row.fate == "cached" for row in self.said):
            flaws.append("a stage has to run, and none is said to" if matters else "none has to")
        is_cut = self.said[-1].fate == "runs" and len(self.said) < len(self.happened)
        if len(self.said) != len(self.happened) and not is_cut:
            flaws.append(f"{len(self.said)} stages were told of {len(self.happened)}")
        return flaws[0] if flaws else ""


def is_right(said: Said, happened: Happened) -> bool:
    """Whether a stage became what was said of it, for the reason that was said."""
    if said.stage.split()[0] != happened.stage:
        return False
    if said.fate == "may run":
        return happened.state == "Cached" or bool(happened.reason)
    if said.fate == "cached":
        return happened.state == "Cached"
    return happened.state == "Completed" and _has_the_words(said.reason, happened.reason)


def _has_the_words(said: str, logged: str) -> bool:
    """Whether the log has each reason that was said, and beyond them nothing but other inputs.

    Of three reasons that the log has room for, inputs come last.
    """
    if said == UNKNOWN:
        return not logged
    before, after = (set(MORE.sub("", text).split(", ")) for text in (said, logged))
    hidden = {one for one in before - after if one.endswith(OTHER_INPUT) and MORE.search(logged)}
    return before - after == hidden and all(one.endswith(OTHER_INPUT) for one in after - before)


def nothing(copy: Path) -> None:
    """The copy as it is."""


def replaced(file: str, old: str, new: str, copy: Path) -> None:
    """A text that a file has once becomes another."""
    text = (copy / file).read_text()
    assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
    (copy / file).write_text(text.replace(old, new))


def appended(file: str, line: str, copy: Path) -> None:
    """A line is added to a file."""
    with (copy / file).open("a") as opened:
        opened.write(f"{line}\n")


def lost(pattern: str, copy: Path) -> None:
    """A file of the artifacts is deleted."""
    _stored(pattern, copy).unlink()


def damaged(pattern: str, copy: Path) -> None:
    """A byte in the middle of a file of the artifacts is another."""
    path = _stored(pattern, copy)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_short(pattern: str, copy: Path) -> None:
    """A file of the artifacts ends in its middle."""
    path = _stored(pattern, copy)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _stored(pattern: str, copy: Path) -> Path:
    """The first file of a pattern; of a record, `records/` and the name of its stage."""
    folder, name = pattern.split("/")
    if folder == "records":
        told = f'"stage": "{name}"'.encode()
        paths = sorted((copy / "artifacts" / folder).iterdir())
        return next(path for path in paths if told in path.read_bytes())
    return sorted((copy / "artifacts" / folder).glob(name))[0]


def write_digits(path: Path, images: int) -> None:
    """So many of scikit-learn's digits, 8 x 8 pixels, without test images."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    pixels = (pixels.reshape(-1, 8, 8) * 15).astype(np.uint8)
    np.savez(path, x_train=pixels[:images], y_train=labels[:images])


def of_settings() -> Iterator[Mutation]:
    """Each setting of `flows/main.py`."""
    precision = resolve_precision("auto")
    other = {"float32": "bfloat16", "bfloat16": "float32"}[precision]
    told = (
        *("--classes 3,5", "--classes 1,0", "--classes 0,1,2", "--seed 1", "--recipes fast"),
        *("--base-epochs 9", "--head-epochs 3", "--test-share 0.3", "--split-seed 1"),
        *("--image-size 12", "--colour rgb", "--handwriting", "--no-handwriting"),
        *("--base-classes others", "--base-classes 0,1,2,3", "--base-dataset digits"),
        *("--refuse-own 0.05", "--folds 2", f"--precision {other}", "--dataset digits"),
        *("--recipes tuned,fast", "--label-efficiency", "--refresh"),
    )
    yield from (Mutation("setting", one, nothing, tuple(one.split())) for one in told)
    idle = ("--classes 0,1", f"--precision {precision}", "--wait 5", "--artifacts moved")
    for one in idle:
        move = _moved if one.endswith("moved") else nothing
        yield Mutation("setting", one, move, tuple(one.split()), matters=False)
    yield Mutation("setting", "other images", lambda copy: write_digits(copy / DATA, IMAGES + 1))


def _moved(copy: Path) -> None:
    (copy / "artifacts").rename(copy / "moved")


def of_modules() -> Iterator[Mutation]:
    """A statement in each module that stages depend on, and a line in a template and a style."""
    stages = (
        *("compare", "evaluate", "evaluate_refusal", "extract_features", "extract_unknown"),
        *("filter", "find_overlap", "hold_out", "load", "one_hot", "reshape", "train_base"),
        *("transfer_one_node", "transfer_two_node"),
    )
    files = {path for stage in stages for path in reachable(f"tasks.{stage}")}
    modules = sorted(path.relative_to(ROOT).as_posix() for path in files if path.suffix == ".py")
    for file in (*modules, "tasks/reporting/page.html.jinja", "tasks/plots/style.mplstyle"):
        line = "_ADDED = 1" if file in modules else ""
        yield Mutation("module", file, partial(appended, file, line))


def of_results() -> Iterator[Mutation]:
    """Lines after which something else is computed."""
    edits = (
        ("flows/recipes.py", "epochs=3,", "epochs=3,\n    label_smoothing=0.1,"),
        ("tasks/networks/architecture.py", "(32, 64, 128, *", "(32, 64, 127, *"),
        ("tasks/networks/epochs.py", "default_rng([seed, epoch])", "default_rng([seed, epoch, 1])"),
        ("tasks/data/held_out.py", "found[:-1][before[:-1]", "found[1:][before[:-1]"),
    )
    for file, old, new in edits:
        yield Mutation("result", file, partial(replaced, file, old, new))


def of_nothing() -> Iterator[Mutation]:
    """Lines that decide nothing: comments, docstrings, log statements, what only carries."""
    yield Mutation("idle line", "nothing", nothing, matters=False)
    comments = ("schemas/references", "networks/training", "data/splits", "load", "compare")
    carrying = ("errors", "networks/models", "networks/progress", "storage/store", "report")
    for line, names in (("# a comment", comments), ("_ADDED = 1", carrying)):
        for file in (f"tasks/{name}.py" for name in names):
            change = partial(appended, file, line)
            yield Mutation("idle line", f"{file}, {line}", change, matters=False)
    texts = (
        ("tasks/load.py", "training and {test:,} test images", "+ {test:,} images"),
        ("tasks/data/splits.py", '"""', '"""Otherwise: '),
        ("tasks/train_base.py", '"""', '"""Otherwise: '),
    )
    for file, old, new in texts:
        change = partial(_first, file, old, new)
        yield Mutation("idle line", f"{file}, a text", change, matters=False)


def _first(file: str, old: str, new: str, copy: Path) -> None:
    text = (copy / file).read_text()
    assert old in text
    (copy / file).write_text(text.replace(old, new, 1))


def of_files() -> Iterator[Mutation]:
    """Files of the artifacts, of each kind."""
    arrays = "train-inputs train-labels train-subset-inputs train-one-hot-10-labels held-out-2"
    arrays += " test-features-inputs one-node-probabilities unknown-to-2-1 overlap"
    names = [f"arrays/{name}*" for name in arrays.split()]
    names += [f"models/{name}*" for name in ("base", "two-node")]
    names += [f"pages/{name}*" for name in ("analysis", "confusion")]
    stages = "load reshape filter one-hot train-base transfer-one-node evaluate compare"
    names += [f"records/{name}" for name in stages.split()]
    ways = (lost, damaged, cut_short)
    for number, name in enumerate(names):
        way = ways[number % len(ways)]
        yield Mutation("file", f"{name} {way.__name__}", partial(way, name))
    yield Mutation("file", "models/one-node* lost", partial(lost, "models/one-node*"))
    yield Mutation("file", "all arrays", lambda copy: shutil.rmtree(copy / "artifacts" / "arrays"))
    yield Mutation("file", "all models", lambda copy: shutil.rmtree(copy / "artifacts" / "models"))


def of_versions() -> Iterator[Mutation]:
    """Another version of each library that decides results, and of one that decides none."""
    for library in ("keras", "tensorflow", "numpy", "pandas"):
        change = partial(_write_version, library)
        yield Mutation("version", library, change, matters=library != "pandas")


def _write_version(library: str, copy: Path) -> None:
    """Python imports `sitecustomize` when it starts."""
    (copy / "sitecustomize.py").write_text(VERSION.format(library=library))


def mutations() -> list[Mutation]:
    """All, by kind."""
    kinds = (of_settings, of_modules, of_results, of_nothing, of_files, of_versions)
    return [one for kind in kinds for one in kind()]


def try_mutation(mutation: Mutation, start: Path) -> Outcome:
    """Copy the checkout and the artifacts, change them, ask, and run."""
    with TemporaryDirectory(dir=start.parent) as folder:
        copy = shutil.copytree(start, Path(folder) / "copy")
        mutation.change(copy)
        options = merged(mutation.options)
        rows = [Said(*row) for row in json.loads(python(copy, "-c", EXPLAINING, *options))]
        said = [row for row in rows if row.stage != "report"]  # which is not in itself
        return Outcome(said, list(run(copy, options)))


def merged(options: tuple[str, ...]) -> list[str]:
    """The options of the start, but for those that are given anew."""
    name = options[0] if options else ""
    if name in OPTIONS and len(options) == 2:
        at = OPTIONS.index(name)
        return [*OPTIONS[:at], *options, *OPTIONS[at + 2 :]]
    return [*OPTIONS, *options]


def run(copy: Path, options: list[str]) -> Iterator[Happened]:
    """Run the experiment: how each stage ended, in order."""
    logged = LOGGED.findall(python(copy, "flows/main.py", *options))
    artifacts = copy / options[options.index("--artifacts") + 1]
    metrics = json.loads((artifacts / "reports" / "latest" / "metrics.json").read_text())
    for task in metrics["tasks"]:
        name, state = task["task"], task["state"]
        is_told = state == "Completed" and logged and logged[0][0].split()[0] == name
        yield Happened(name, state, logged.pop(0)[1] if is_told else "")


def python(copy: Path, *arguments: str) -> str:
    """What Python says in a copy, with its packages; without a Prefect server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    environment = kept | {"PYTHONPATH": str(copy), "PREFECT_HOME": str(copy / "prefect")}
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-600:])
    return done.stdout if arguments[0] == "-c" else done.stderr


def make_start(folder: Path) -> Path:
    """A copy of the checkout with the artifacts of the experiment."""
    start = folder / "start"
    for package in ("flows", "tasks"):
        shutil.copytree(ROOT / package, start / package)
    write_digits(start / DATA, IMAGES)
    python(start, "flows/main.py", *OPTIONS)
    shutil.rmtree(start / "artifacts" / "reports")
    return start


def main() -> None:
    """Print a line for each mutation, and how many of each kind were right."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="Those whose kind and name match this.")
    only = re.compile(parser.parse_args().only)
    chosen = [one for one in mutations() if only.search(f"{one.kind}: {one.name}")]
    print_machine()
    print("| mutation | said to run | may run | not told | ran | logged why | seconds | right |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    with TemporaryDirectory() as folder:
        start = make_start(Path(folder))
        tried = [(one, _tried(one, start)) for one in chosen]
    print("\n| kind | right | said to run | ran | may run | ran | cached | was |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for kind, group in groupby(tried, lambda pair: pair[0].kind):
        _print_total(kind, list(group))
    _print_total("all", tried)


def _tried(mutation: Mutation, start: Path) -> Outcome:
    """Try a mutation, print its line, and on stderr what was wrong."""
    started = time.monotonic()
    outcome = try_mutation(mutation, start)
    flaw = outcome.flaw(mutation.matters)
    fates = [row.fate for row in outcome.said]
    ran = [one for one in outcome.happened if one.state == "Completed"]
    numbers = (
        *(fates.count("runs"), fates.count("may run"), len(outcome.happened) - len(fates)),
        *(len(ran), sum(bool(one.reason) for one in ran), round(time.monotonic() - started, 1)),
    )
    cells = " | ".join(map(str, numbers))
    print(f"| {mutation.kind}: {mutation.name} | {cells} | {'no' if flaw else 'yes'} |", flush=True)
    if flaw:
        print(f"{mutation.name}: {flaw}", file=sys.stderr, flush=True)
    return outcome


def _print_total(kind: str, tried: Sequence[tuple[Mutation, Outcome]]) -> None:
    """How many mutations were right, and what stages were said to become, and became."""
    right = sum(not outcome.flaw(mutation.matters) for mutation, outcome in tried)
    pairs = [pair for _, one in tried for pair in zip(one.said, one.happened, strict=False)]
    numbers = []
    for fate, state in (("runs", "Completed"), ("may run", "Completed"), ("cached", "Cached")):
        ends = [happened.state for said, happened in pairs if said.fate == fate]
        numbers += [len(ends), ends.count(state)]
    print(f"| {kind} | {right} of {len(tried)} | {' | '.join(map(str, numbers))} |")


if __name__ == "__main__":
    main()
