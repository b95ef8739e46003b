"""Settings as they are typed: parsed, printed, and shown by --help."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli_types import annotation, reproducing_command, shown
from flows.config import Config, StudyConfig
from flows.recipes import RECIPES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("settings", "name", "text", "value"),
    [
        (Config, "classes", "0,1", (0, 1)),
        (Config, "classes", "3,5,8", (3, 5, 8)),
        (Config, "classes", "cat,golden retriever", ("cat", "golden retriever")),
        (Config, "classes", '"a, b",c', ("a, b", "c")),
        (Config, "classes", "007,-1", ("007", -1)),
        (
            StudyConfig,
            "subsets",
            'cat,"golden retriever" 0,1',
            (("cat", "golden retriever"), (0, 1)),
        ),
        (Config, "recipes", "tuned,notebook", ("tuned", "notebook")),
        (Config, "base_classes", "all", "all"),
        (Config, "base_classes", "others", "others"),
        (StudyConfig, "base_classes", "2,cat", (2, "cat")),
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
    assert getattr(settings.model_validate({name: annotation(field).example}), name)


def test_the_command_gives_the_same_configuration_again():
    config = StudyConfig(subsets=((0, 1), (3, 5, 8)), seeds=(0, 1, 2, 7), shared_base=False)
    assert reproducing_command(config.script, config) == (
        "python flows/study.py --subsets '0,1 3,5,8' --seeds 0..2,7 --no-shared-base"
    )


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        (
            "main",
            [
                f"--recipes {','.join(RECIPES)} How to train, one or more of: "
                f"{', '.join(RECIPES)}; without it, notebook and tuned for MNIST and the embedded "
                "digits, and tuned "
                "for other images. (default: none)",
                "--wait SECONDS Seconds to wait for another run on the same artifacts; 0 or more, "
                "or none for as long as it takes, as a scheduled run does. (default: 600)",
                "--precision {auto,float32,bfloat16} In what matrix products are computed,",
                "--refresh, --no-refresh Compute everything again, whatever the cache holds. "
                "(default: off)",
                "--base-epochs N Epochs of the base model, 1 or more, instead of the recipe's. "
                "(default: none)",
                "--classes 0,1 The classes to transfer to, two or more, as in 0,1 or cat,dog; "
                "they become labels 0, 1, ... in this order. The one-node head is trained for "
                "exactly two. Without it, the first two that the data have. (default: none)",
                "--seed N Everything random in a run follows from it; 0 or more. (default: 0)",
            ],
        ),
        (
            "retrain",
            [
                "ACTION Retrain; say which model is in use, and why; go back to the one before; "
                "list the batches; or decide on one. (default: run)",
                "BATCH The batch to approve, reject or withdraw: its name, or the first letters of "
                "its digest.",
                "--why TEXT Why, in words, which is recorded.",
                "--dataset NAME|PATH The images: mnist",
                f"--recipes notebook How to train, one of: {', '.join(RECIPES)}. (default: tuned)",
                "--margin X The loss of accuracy, above 0 and below 1, on the published test "
                "images or on a batch's held-out ones, beyond which a challenger is refused where "
                "the loss is shown. (default: 0.005)",
                "--model {softmax,sigmoid,base} Which model is put into use:",
                "--registry URI The tracking URI of an MLflow model registry; without it, one in "
                "the artifacts folder. (default: none)",
            ],
        ),
        (
            "predict",
            [
                "IMAGES PNG, JPEG, WebP, BMP or TIFF files, folders of them, .csv files that list "
                "them in a column path, .npz files with an array images, x_test or x_train, and "
                "IDX images.",
                "--artifacts FOLDER|URL Where the models are kept: a folder, or an fsspec URL, for "
                "which a registry is given. (default: artifacts)",
                "--model NAME The name of the registered model; without it, the only one that "
                "there is. (default: none)",
                "--format {csv,json,parquet} How the labels are written. (default: csv)",
                "--output FILE The file to write, instead of the standard output. (default: none)",
            ],
        ),
        (
            "study",
            [
                "--pairs all Pairs of classes to transfer to: all, for every pair that the data "
                "have, or some, as in 0,1 3,5, names with a space in quotes. All, if neither pairs "
                "nor subsets are given. (default: none)",
                "--subsets 0,1 3,5,8 More subsets to transfer to, of two or more classes each,",
                "--seeds 0..4 The seeds of the heads, as in 0..4 or 0,1,7; each gives every head "
                "once. (default: 0)",
                "--workers N Worker processes on this machine, 1 or more; one for each core by "
                "itself. (default: none)",
            ],
        ),
        (
            "serve",
            [
                "--inbox FOLDER|URL The folder, or fsspec URL, into which labelled batches are "
                "dropped:",
                "--settle SECONDS Seconds, 0 or more, without a change after which a batch counts "
                "as wholly written; an intact .npz always does. (default: 30)",
                "--cron CRON When to retrain, as in '0 3 * * *', in UTC; without it, when it is "
                "asked to. (default: none)",
            ],
        ),
    ],
)
def test_help_shows_what_is_typed(script, lines):
    shown = subprocess.run(
        [sys.executable, f"flows/{script}.py", "--help"],
        cwd=ROOT, env=os.environ | {"COLUMNS": "1000"}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    unwrapped = re.sub(r"\s+", " ", shown)
    for line in lines:
        assert f" {line} " in unwrapped
    assert not re.search(r"tuple|null|None|\bint\b|\bstr\b|True|False", shown)
