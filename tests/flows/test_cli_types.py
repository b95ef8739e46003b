"""Settings as they are typed: parsed, printed, and shown by --help."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli_types import reproducing_command, shown, typed_list
from flows.config import Config
from flows.study_config import StudyConfig

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("settings", "name", "text", "value"),
    [
        (Config, "classes", "0,1", (0, 1)),
        (Config, "classes", "3,5,8", (3, 5, 8)),
        (Config, "recipes", "tuned,notebook", ("tuned", "notebook")),
        (StudyConfig, "pairs", "all", "all"),
        (StudyConfig, "pairs", "0,1 3,5", ((0, 1), (3, 5))),
        (StudyConfig, "subsets", "0,1 3,5,8", ((0, 1), (3, 5, 8))),
        (StudyConfig, "seeds", "0..4", (0, 1, 2, 3, 4)),
        (StudyConfig, "seeds", "7", (7,)),
        (StudyConfig, "seeds", "0,1,7..9,3", (0, 1, 7, 8, 9, 3)),
    ],
)
def test_a_list_is_printed_as_it_is_typed(settings, name, text, value):
    field = settings.model_fields[name]
    assert getattr(settings.model_validate({name: text}), name) == value
    assert shown(field, value) == text
    assert getattr(settings.model_validate({name: typed_list(field).example}), name)


def test_the_command_gives_the_same_configuration_again():
    config = StudyConfig(subsets=((0, 1), (3, 5, 8)), seeds=(0, 1, 2, 7), shared_base=False)
    assert reproducing_command(config.script, config) == (
        "python flows/study.py --subsets '0,1 3,5,8' --seeds 0..2,7 --no-shared-base"
    )


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("main", ["--classes 0,1", "--recipes notebook,tuned", "--wait X", "--seed N"]),
        (
            "retrain",
            ["--recipes notebook", "--model {softmax,sigmoid,base}", "--margin X", "ACTION"],
        ),
        ("predict", ["--output FILE", "--format {csv,json}", "--model TEXT", "IMAGES"]),
        ("study", ["--pairs all", "--subsets 0,1 3,5,8", "--seeds 0..4", "--workers N"]),
        ("serve", ["--cron TEXT", "--inbox TEXT", "--classes 0,1"]),
    ],
)
def test_help_shows_what_is_typed(script, lines):
    shown = subprocess.run(
        [sys.executable, f"flows/{script}.py", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    typed = {line.strip().partition("  ")[0] for line in shown.splitlines()}
    assert set(lines) <= typed
    assert not re.search(r"tuple|null|None|\bint\b|\bstr\b|True|False", shown)
