"""Faults planted by hand, one in each of some forty modules, and whether the tests find them.

    python -m benchmarks.faults

Each is planted in a copy of the checkout, in which the tests named beside it run until one fails.
The table says which fault was found by which test.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
COPIED = ("flows", "tasks", "tests", "benchmarks", "docs", "artifacts", "pyproject.toml", ".ci")


@dataclass(frozen=True)
class Fault:
    """`old` becomes `new` in `file`; `tests` are to find it."""

    file: str
    old: str
    new: str
    tests: str


FAULTS = (
    Fault("tasks/statistics/estimates.py", "n - hits + 1)", "n - hits)", "statistics"),
    Fault("tasks/registry/decision.py", "look * (look + 1)", "look + (look + 1)", "registry"),
    Fault("tasks/statistics/paired.py", ">= abs(", "> abs(", "statistics reporting"),
    Fault("tasks/arrivals/drift.py", "if distance <= MAX", "if distance < MAX", "arrivals"),
    Fault("tasks/arrivals/decode.py", "if size > MAX_BYTES", "if size >= MAX_BYTES", "arrivals"),
    Fault("tasks/arrivals/batch.py", "default=0) + 1", "default=0)", "arrivals"),
    Fault("tasks/arrivals/inbox.py", 'PREFIXES = (".", "_")', 'PREFIXES = (".",)', "arrivals"),
    Fault("tasks/arrivals/inbox.py", "if len(content) > most", "if len(content) < 0", "arrivals"),
    Fault("tasks/arrivals/inbox.py", "in count(2)", "in count(3)", "arrivals"),
    Fault("tasks/registry/decision.py", "(~self.hits).sum()", "self.hits.sum()", "registry"),
    Fault("tasks/registry/registry.py", "predecessors[-1])", "predecessors[0])", "registry"),
    Fault("tasks/reporting/page.py", "%H:%M} UTC", "%H:%M}", "registry"),
    Fault(
        "tasks/storage/store.py",
        "_digest(name, content) + b",
        "_digest(name, content[1:]) + b",
        "storage",
    ),
    Fault("tasks/storage/source.py", "ast.unparse(tree", "repr(tree", "storage"),
    Fault("tasks/storage/stages.py", "sort_keys=True", "sort_keys=False", "storage"),
    Fault("tasks/storage/records.py", "store.verified(file)", "file", "storage flows"),
    Fault("tasks/storage/remote.py", 'startswith(("file://", ', "startswith((", "storage"),
    Fault(
        "tasks/storage/store.py", 'f"{plain.stem}-{sha256[:16]}', 'f"{sha256[:16]}', "storage flows"
    ),
    Fault("tasks/data/arrays.py", "block.max() <= 1)", "block.max() <= 2)", "data"),
    Fault("tasks/data/digits.py", "TEST_ORIGINALS = 360", "TEST_ORIGINALS = 359", "data"),
    Fault("tasks/storage/files.py", "st_size, most) + 1", "st_size, most)", "arrivals prediction"),
    Fault("tasks/data/idx.py", "IMAGE, LABEL = 2, 0", "IMAGE, LABEL = 2, 1", "data"),
    Fault("tasks/data/splits.py", '"labels": "y"}', '"labels": "x"}', "data"),
    Fault("tasks/networks/health.py", "if never.size:", "if never.size > 1:", "networks"),
    Fault("tasks/networks/inference.py", "[1 - probab", "[probab", "networks stages"),
    Fault("tasks/networks/losses.py", "if nodes == 1 else", "if nodes == 2 else", "networks"),
    Fault("tasks/networks/hardware.py", "native or GPUS", "native and GPUS", "networks"),
    Fault(
        "tasks/networks/epochs.py", "default_rng([seed, epoch])", "default_rng(seed)", "networks"
    ),
    Fault(
        "tasks/networks/training.py",
        "tf.reduce_mean(losses)",
        "tf.reduce_sum(losses)",
        "networks",
    ),
    Fault(
        "tasks/networks/attempts.py",
        "saved[1].dead == attempts",
        "saved[1].dead != attempts",
        "networks",
    ),
    Fault("tasks/networks/architecture.py", "(32, 64, 128, *", "(32, 64, 127, *", "networks"),
    Fault("tasks/data/handwriting.py", "MIDDLE = 20 / 28", "MIDDLE = 21 / 28", "data"),
    Fault(
        "tasks/data/pictures.py",
        "exif_transpose(picture, in_place",
        "exif_transpose(picture.copy(), in_place",
        "data",
    ),
    Fault("tasks/data/folder.py", "set(inside) == set(SPLITS)", "set(inside) != SPLITS", "data"),
    Fault("tasks/data/held_out.py", "found[:-1][before[:-1]", "found[:-1][counts[:-1]", "data"),
    Fault("tasks/data/names.py", ".strip().casefold()", ".casefold()", "data"),
    Fault("tasks/networks/export.py", "ops.less(", "ops.less_equal(", "prediction"),
    Fault(
        "tasks/prediction/reading.py",
        "if total > MAX_IMAGES",
        "if total > 2 * MAX_IMAGES",
        "prediction",
    ),
    Fault(
        "tasks/trials/trial.py",
        '"training": group.training',
        '"training": 0',
        "trials",
    ),
    Fault(
        "flows/config.py",
        "not (self.pairs or self.subsets)",
        "not self.pairs",
        "flows/test_study_config.py",
    ),
    Fault("tasks/plots/images.py", '!= row["label"]', '== row["label"]', "reporting"),
    Fault(
        "tasks/reporting/page.py", ".join(most)} and {last}", ".join(most)} or {last}", "reporting"
    ),
    Fault(
        "flows/cli.py",
        "if isinstance(error, InputError) else 1",
        "if error else 1",
        "flows/test_cli.py",
    ),
    Fault("flows/cli_types.py", "if len(run) > 2", "if len(run) > 3", "flows/test_cli_types.py"),
)


def main() -> None:
    """Plant each fault, print a line each, and how many were found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="Files whose path contains this.")
    only = parser.parse_args().only
    chosen = [fault for fault in FAULTS if only in fault.file]
    print("| module | planted | found by |\n| --- | --- | --- |")
    found = 0
    for fault in chosen:
        finder = find(fault)
        found += bool(finder)
        print(f"| `{fault.file}` | `{fault.old}` → `{fault.new}` | {finder or '**nothing**'} |")
        sys.stdout.flush()
    print(f"\n{found} of {len(chosen)} were found.")


def find(fault: Fault) -> str:
    """The first test that fails with the fault; empty if none does.

    Raises:
        ValueError: The file does not have the text once.
    """
    with TemporaryDirectory() as folder:
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(folder) / name)
        shutil.copy(ROOT / "README.md", folder)
        planted = Path(folder) / fault.file
        text = planted.read_text()
        if text.count(fault.old) != 1:
            raise ValueError(f"{fault.file} has {fault.old!r} {text.count(fault.old)} times")
        planted.write_text(text.replace(fault.old, fault.new))
        return _first_failure(Path(folder), [f"tests/{one}" for one in fault.tests.split()])


def _first_failure(folder: Path, tests: list[str]) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    output = subprocess.run(
        [*command, *tests], cwd=folder, env=environment, capture_output=True, text=True, check=False
    ).stdout
    failed = re.search(r"^(?:FAILED|ERROR) tests/(\S+)", output, re.MULTILINE)
    return f"`{failed[1]}`" if failed else ""


if __name__ == "__main__":
    main()
