"""A command by a Python without the project's packages: one sentence that says what to run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FLOWS = Path(__file__).parents[2] / "flows"
WITHOUT_PACKAGES = (sys.executable, "-S")
SETUP = "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e ."


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that nothing is installed for."""
    shutil.copytree(FLOWS, tmp_path / "project" / "flows")
    return tmp_path / "project"


def complaint(*command: object) -> str:
    """What such a Python says, which ends with exit code 1."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    python = map(str, (*WITHOUT_PACKAGES, *command))
    ended = subprocess.run(python, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    return ended.stderr


@pytest.mark.parametrize("script", ["main", "retrain", "predict", "study", "serve", "prune"])
def test_without_an_environment_the_sentence_says_how_to_make_one(project, script):
    assert complaint(project / "flows" / f"{script}.py", "--help") == (
        f"error: {sys.executable} lacks this project's packages; run: {SETUP}\n"
    )


def test_the_readme_has_the_same_command():
    assert f"\n{SETUP} && .venv/bin/python flows/main.py\n" in (
        FLOWS.parent / "README.md"
    ).read_text(encoding="utf-8")


def test_another_python_than_the_environments_is_told_the_whole_command(project):
    python, script = project / ".venv" / "bin" / "python", project / "flows" / "main.py"
    python.parent.mkdir(parents=True)
    python.touch()
    assert complaint(script, "--dataset", "my photos") == (
        f"error: {sys.executable} lacks this project's packages; "
        f"run: {python} {script} --dataset 'my photos'\n"
    )


def test_a_folder_of_the_project_on_the_path_is_not_enough(project, monkeypatch):
    script = "import sys; sys.path[:0] = ['.', 'flows']; from startup import begin; begin()"
    monkeypatch.chdir(project)
    assert complaint("-c", script).startswith("error: ")
