"""What the project promises about itself."""

import re
from importlib.metadata import requires
from pathlib import Path

from flows.config import RetrainConfig

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCS = {path.relative_to(ROOT): path.read_text() for path in (ROOT / "docs").glob("*.md")}


def test_the_lock_pins_every_direct_dependency_and_names_no_host():
    lock = (ROOT / "constraints.txt").read_text()
    pinned = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    direct = {re.split(r"[^a-z0-9-]", line)[0] for line in requires("digit-transfer") or []}
    assert direct - {"digit-transfer"} <= pinned
    assert not re.search(r"https?://|file:|index-url|find-links", lock)


def test_the_readme_has_two_commands_that_start_from_nothing():
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert [command.rpartition("&& ")[2] for command in commands] == [
        ".venv/bin/python flows/main.py",
        ".venv/bin/python -m pytest",
    ]


def test_the_documentation_explains_every_option():
    everything = "".join(DOCS.values())
    for option in RetrainConfig.model_fields:
        assert f"`--{option.replace('_', '-')}" in everything


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 160
    assert len(README.split()) <= 1300


def test_the_documentation_links_only_to_what_exists():
    for page, text in (DOCS | {Path("README.md"): README}).items():
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / page.parent / target).exists(), f"{page}: {target}"


def test_no_machines_path_is_in_the_code():
    for path in (*ROOT.glob("flows/**/*.py"), *ROOT.glob("tasks/**/*.py")):
        assert "shared/data" not in path.read_text(), path
