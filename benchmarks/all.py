"""Every table of speed in the documentation, one after another, on an otherwise idle machine.

    TRANSFER_DATASET=... DVC=... python -m benchmarks.all

Each stands below the command that prints it; `--only` takes those whose command contains it.
"""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import ROOT, run

SEEDS = " ".join(map(str, range(30)))
COMMANDS = (
    "benchmarks.speed --seed 3 --runs 2",
    f"benchmarks.accuracy --recipes fast --seeds {SEEDS} --artifacts FOLDER/accuracy",
    "benchmarks.predict --artifacts FOLDER/champion",
    "benchmarks.scale",
    "benchmarks.pictures",
)


def make_champion(folder: Path) -> None:
    """The model in use that `benchmarks.predict` asks."""
    data = ("--dataset", "digits", "--recipes", "fast", "--inbox", str(folder / "inbox"))
    (folder / "inbox").mkdir()
    run(["flows/retrain.py", *data, "--artifacts", str(folder / "champion")])


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="")
    only = parser.parse_args().only
    with TemporaryDirectory() as place:
        make_champion(Path(place))
        for command in (one for one in COMMANDS if only in one):
            print(f"\n`python -m {command}`\n", flush=True)
            told = shlex.split(command.replace("FOLDER", place))
            subprocess.run([sys.executable, "-m", *told], cwd=ROOT, check=False)


if __name__ == "__main__":
    main()
