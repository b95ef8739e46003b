"""What the project promises about itself."""

import re
import shutil
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from benchmarks.faults import FAULTS
from flows.config import (
    Config,
    ExportConfig,
    PredictConfig,
    PruneConfig,
    RetrainCommand,
    ServeCommand,
    StudyConfig,
)

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCS = {path.relative_to(ROOT): path.read_text() for path in (ROOT / "docs").glob("*.md")}
PAGES = DOCS | {Path("README.md"): README}
OPTIONS = {
    "main": {*Config.model_fields},
    "retrain": {*RetrainCommand.model_fields} - {"action"},
    "predict": {*PredictConfig.model_fields, *ExportConfig.model_fields} - {"images", "path"},
    "study": {*StudyConfig.model_fields},
    "prune": {*PruneConfig.model_fields},
    "serve": {*ServeCommand.model_fields},
}


def test_the_lock_pins_every_direct_dependency_and_names_no_host():
    lock = (ROOT / "constraints.txt").read_text()
    pinned = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [project["dependencies"], *project["optional-dependencies"].values()]
    direct = {re.split(r"[^a-z0-9-]", line)[0] for line in chain.from_iterable(required)}
    assert direct - {"digit-transfer"} <= pinned
    assert not re.search(r"https?://|file:|index-url|find-links", lock)


def test_the_readme_has_two_commands_that_start_from_nothing():
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert [command.rpartition("&& ")[2] for command in commands] == [
        ".venv/bin/python flows/main.py",
        ".venv/bin/python -m pytest",
    ]


def test_the_documentation_explains_every_option_of_every_command():
    everything = "".join(DOCS.values())
    for option in set.union(*OPTIONS.values()):
        assert f"`--{option.replace('_', '-')}" in everything, option


def test_the_documentations_commands_have_the_options_that_it_gives_them():
    for page, text in PAGES.items():
        for script, rest in re.findall(r"flows/(\w+)\.py([^`\n#]*)", text):
            for option in re.findall(r"--(?:no-)?([a-z-]+)", rest):
                known = OPTIONS[script] | {"debug", "verbose", "key", "explain", "help"}
                assert option.replace("-", "_") in known, f"{page}: {script} --{option}"


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 160
    assert len(README.split()) <= 1300


def test_the_documentation_links_only_to_what_exists():
    for page, text in PAGES.items():
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (ROOT / page.parent / target).exists(), f"{page}: {target}"


def test_the_documentation_links_only_to_headings_that_exist():
    for page, text in PAGES.items():
        for target, heading in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text):
            linked = (ROOT / page.parent / target).read_text() if target else text
            headings = re.findall(r"^#+ (.*)$", linked, re.MULTILINE)
            anchors = [re.sub(r"[^a-z0-9 -]", "", one.lower()) for one in headings]
            assert heading in [one.replace(" ", "-") for one in anchors], f"{page}: {heading}"


def apply(change: str, place: Path, *how: str) -> bool:
    command = ["git", "apply", "--verbose", *how, "-"]
    done = subprocess.run(command, input=change, cwd=place, capture_output=True, text=True)
    return done.returncode == 0 and "Skipped" not in done.stderr


@pytest.mark.skipif(not shutil.which("git"), reason="git applies them")
def test_the_readmes_changes_of_the_code_apply_one_after_another(tmp_path: Path):
    for folder in ("flows", "tasks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    changes = re.findall(r"^```diff\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    for change in changes:
        # whoever did what it shows has it already
        assert apply(change, tmp_path) or apply(change, tmp_path, "--reverse", "--check")
    assert len(changes) == 3
    assert "scaling=1 / 127.5" in (tmp_path / "flows" / "recipes.py").read_text()
    assert "if config.count:" in (tmp_path / "flows" / "main.py").read_text()


def test_no_machines_path_is_in_the_code():
    for path in (*ROOT.glob("flows/**/*.py"), *ROOT.glob("tasks/**/*.py")):
        assert "shared/data" not in path.read_text(), path


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.old)
def test_a_fault_can_still_be_planted(fault):
    assert (ROOT / fault.file).read_text().count(fault.old) == 1
    assert f"| `{fault.file}` | `{fault.old}` → `{fault.new}` |" in DOCS[Path("docs/faults.md")]
