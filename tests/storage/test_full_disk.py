"""A full disk says so, wherever something is written; with more room, the next run resumes."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

import numpy as np
import pooch
import pytest
from commands import Started
from disks import small_disk, small_files
from prefect.states import Failed

from flows.main import main
from flows.prefect_run import reason
from flows.run import exclusive
from tasks.data.mnist import Mirror
from tasks.data.mnist import download as fetch
from tasks.data.read import find_source
from tasks.errors import DiskError, ReadableError
from tasks.registry.registry import Registry
from tasks.reporting.folder import write_folder
from tasks.storage.store import Store, write_arrays

ROOT = Path(__file__).parents[2]
LARGE = np.arange(1_000_000, dtype=np.uint8)
TEXT = "x" * 1_000_000


def download(content: bytes, path: Path) -> None:
    """What pooch receives is made here, what becomes of it is not."""

    def receive(self, url: str, temporary: str, _: object) -> None:
        Path(temporary).write_bytes(content)

    mirror = Mirror("http://127.0.0.1:1/", "", {path.name: sha256(content).hexdigest()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pooch.HTTPDownloader, "__call__", receive)
        fetch(mirror, path.parent)


@pytest.fixture(params=["disk", "limit"])
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder in which there is space for 256 kB, or only for files of that size."""
    limits: dict[str, AbstractContextManager[None]] = {
        "disk": small_disk(tmp_path, 256),
        "limit": small_files(256_000),
    }
    with limits[request.param]:
        yield tmp_path


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (lambda store: store.add_array("some", LARGE), "arrays/some.npy"),
        (lambda store: store.add_text("pages/some.html", TEXT), "pages/some.html"),
        (lambda store: store.write("notes/some", TEXT.encode()), "notes/some"),
        (lambda store: write_arrays(store, "trials/some", [LARGE], ""), "trials/some"),
        (lambda store: write_folder(store, {"report.html": TEXT}), "reports/"),
        (lambda store: download(TEXT.encode(), store.root / "some.npz"), "some.npz"),
        (lambda store: Registry(store, None, "two-node-0-1").prepare(), "registry/mlflow.db"),
    ],
    ids=["array", "text", "note", "arrays", "report", "download", "registry"],
)
def test_what_finds_no_space_says_so_and_leaves_nothing(full, write, name):
    store = Store(full / "a")
    with pytest.raises(DiskError) as raised:
        write(store)
    disk = next(folder for folder in (full, *full.parents) if folder.is_mount())
    place = re.escape(f"no space left on {disk} for {full}/a/{name}")
    assert re.match(place, str(raised.value))
    store.write("notes/small", b"there is space for this")
    assert [path.name for path in store.root.glob("*/*") if path.parent.name != "tmp"] == ["small"]


def test_a_full_disk_has_no_space_for_the_lock(tmp_path):
    lock = exclusive(Store(tmp_path), 0, print)
    with small_files(1), pytest.raises(DiskError, match=f"for {tmp_path}/run.holder"), lock:
        pass
    with exclusive(Store(tmp_path), 0, print):
        assert "process" in (tmp_path / "run.holder").read_text()


def test_a_standard_output_without_space_is_one_sentence():
    command = (
        "from flows.cli import run_command\nfrom pydantic import BaseModel\n"
        "from tasks.prediction.writing import whole_output\n"
        "class Settings(BaseModel):\n    pass\n"
        "def label(parsed):\n"
        "    with whole_output(None) as file:\n"
        "        file.write('a label')\n"
        "exit(run_command('flows/a.py', '', Settings, label, []))"
    )
    with Path("/dev/full").open("w") as output:
        finished = subprocess.run(
            [sys.executable, "-c", command],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert finished.returncode == 1
    assert re.fullmatch(r"error: no space left on /\S* for /dev/full\n", finished.stderr)


def test_auto_takes_the_digits_where_there_is_no_space_for_mnist(tmp_path, monkeypatch):
    def find_mnist(patience) -> Path:
        with small_files(1):
            download(b"images", tmp_path / "mnist.npz")

    monkeypatch.setattr("tasks.data.read.find_mnist", find_mnist)
    source = find_source("auto", 0)
    assert source.name == "scikit-learn digits"
    assert f" for {tmp_path}/mnist.npz" in source.notice
    with pytest.raises(DiskError, match="no space left on"):
        find_source("mnist", 0)


@pytest.mark.parametrize("error", ReadableError.__subclasses__())
def test_the_reason_of_a_failure_is_the_sentence_alone(error):
    for introduction in (
        "Flow run encountered an exception",
        "Validation of flow parameters failed with error",
    ):
        state = Failed(message=f"{introduction}: {error.__name__}: too bad: really")
        assert reason(state) == "too bad: really"


WITH_SMALL_FILES = """
import runpy
from disks import allow_only_small_files
allow_only_small_files({most})
runpy.run_path("flows/main.py", run_name="__main__")
"""


def run(most: int, *arguments: str) -> tuple[int, str]:
    """The exit code of a run that may only write small files, and what it said."""
    process = Started("-c", WITH_SMALL_FILES.format(most=most), *arguments)
    said = process.stderr.read()
    return process.wait(), said


@pytest.mark.usefixtures("blank_pictures")
def test_a_run_that_finds_the_disk_full_goes_on_when_there_is_room(tiny_config):
    code, said = run(
        1_250_000,  # the images, but no checkpoint of the base
        *("--dataset", tiny_config.dataset, "--artifacts", tiny_config.artifacts),
        *("--folds", "0", "--base-epochs", "4", "--head-epochs", "2", "--recipes", "tuned"),
        "--no-label-efficiency",
    )
    assert code == 1
    (error,) = [line for line in said.splitlines() if line.startswith("error: ")]
    place = rf"\S+ for {tiny_config.artifacts}/checkpoints/\w+"
    assert re.fullmatch(rf"error: no space left on {place} \(files may not be larger\)", error)
    assert "Traceback" not in said
    main(tiny_config)
    metrics = Path(tiny_config.artifacts) / "reports" / "latest" / "metrics.json"
    tasks = {task["task"]: task["state"] for task in json.loads(metrics.read_text())["tasks"]}
    stages = list(tasks)
    before = stages[: stages.index("train-base")]
    assert {"load", "reshape", "hold-out", "one-hot", "filter"} <= {*before}
    assert [name for name, state in tasks.items() if state == "Cached"] == before
