"""The command line: options, environment, and errors for people."""

import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from disks import obey_permissions

from flows.cli import call_flow, run_command
from flows.config import Config
from flows.recipes import RECIPES
from tasks.errors import InputError
from tasks.storage.store import SECRET, Store, write_checksummed

pytestmark = pytest.mark.usefixtures("prefect_server")  # or each run starts one
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _server_of_the_environment(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", server)  # where nothing is looked up beforehand


def run(call: Callable[[Config], Any], *arguments: str) -> int:
    return run_command("flows/main.py", "", Config, partial(call_flow, call), arguments)


def parse(*arguments: str) -> Config:
    seen: list[Config] = []
    assert run(seen.append, *arguments) == 0
    return seen[0]


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(pytest.fail, *arguments) == 2
    return capsys.readouterr().err


def test_defaults():
    config = parse()
    assert (config.dataset, config.classes, config.seed) == ("auto", (), 0)
    assert (config.artifacts, config.refresh) == ("artifacts", False)
    assert (config.base_epochs, config.head_epochs) == (None, None)


def test_every_option():
    config = parse(
        *("--dataset", "digits", "--classes", "7,3,5", "--seed", "4", "--recipes", "notebook"),
        *(
            "--artifacts",
            "/tmp/x",
            "--refresh",
            "--no-label-efficiency",
            "--base-epochs",
            "2",
            "--head-epochs",
            "1",
        ),
    )
    assert config == Config(
        dataset="digits",
        classes=(7, 3, 5),
        seed=4,
        recipes=("notebook",),
        artifacts=Path("/tmp/x"),
        refresh=True,
        label_efficiency=False,
        base_epochs=2,
        head_epochs=1,
    )


def test_the_environment_sets_what_the_command_line_does_not(monkeypatch):
    monkeypatch.setenv("TRANSFER_CLASSES", "4,9")
    monkeypatch.setenv("TRANSFER_SEED", "5")
    config = parse("--seed", "6")
    assert (config.classes, config.seed) == ((4, 9), 6)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("TRANSFER_CLASES", "TRANSFER_CLASSES"),
        ("TRANSFER_BASE-EPOCHS", "TRANSFER_BASE_EPOCHS"),
        ("transfer_recipe", "TRANSFER_RECIPES"),
        ("TRANSFER_SEEED", "TRANSFER_SEED"),
        ("TRANSFER_CORN", "TRANSFER_CRON"),
    ],
)
def test_a_misspelt_variable_is_one_sentence(monkeypatch, capsys, name, nearest):
    monkeypatch.setenv(name, "3,5")
    error = complaint(capsys)
    assert error == f"error: {name} is no setting; the nearest one is {nearest}\n"


def test_variables_of_other_commands_are_right(monkeypatch):
    for name in ("INBOX", "ACTION", "MARGIN", "PAIRS", "SEEDS", "OUTPUT", "IMAGES", "CRON"):
        monkeypatch.setenv(f"TRANSFER_{name}", "whatever")
    monkeypatch.setenv("TRANSFERRED", "something else")
    assert parse() == Config()


def test_epochs_replace_the_recipes():
    recipe = parse("--base-epochs", "3", "--recipes", "notebook").chosen_recipes()["notebook"]
    assert (recipe.base.epochs, recipe.head.epochs) == (3, 5)
    assert (recipe.base.epochs_for(1), recipe.head.epochs_for(60_000)) == (3, 5)
    assert recipe.head == RECIPES["notebook"].head


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--classes", "0,0"), r"--classes '0,0': give two or more different classes, as in 0,1"),
        (("--classes", "3"), r"--classes '3': give two or more different classes"),
        (("--seed", "-1"), r"--seed '-1': .*greater than or equal to 0"),
        (("--base-epochs", "0"), r"--base-epochs '0': .*greater than or equal to 1"),
        (
            ("--recipes", "magic"),
            rf"--recipes 'magic': give one or more of {', '.join(RECIPES)}, each once",
        ),
    ],
)
def test_an_impossible_setting_is_one_sentence(capsys, arguments, sentence):
    error = complaint(capsys, *arguments)
    assert re.match(f"error: {sentence}", error)
    assert error.count("\n") == 1


def test_a_bad_input_is_code_2_and_anything_else_code_1(capsys):
    def fail_with(error: Exception) -> int:
        def fail(config: Config) -> None:
            raise error

        return run(fail)

    assert fail_with(InputError("no such file")) == 2
    assert fail_with(RuntimeError("a bug")) == 1
    assert capsys.readouterr().err == "error: no such file\nerror: a bug\n"


def test_debug_asks_for_the_traceback():
    def fail(config: Config) -> None:
        raise InputError("no such file")

    with pytest.raises(InputError, match="no such file"):
        run(fail, "--debug")


def test_a_key_signs_what_the_command_stores_and_is_not_shown(monkeypatch, tmp_path, capsys):
    def store_something(config: Config) -> None:
        write_checksummed(Store(tmp_path), "records/a", b"something")
        print(config)

    monkeypatch.setenv(SECRET, "ours")
    assert run(store_something) == 0
    by_environment = (tmp_path / "records/a").read_bytes()
    monkeypatch.setenv(SECRET, "theirs")
    assert run(store_something, "--key", "ours") == 0
    assert (tmp_path / "records/a").read_bytes() == by_environment
    shown = capsys.readouterr()
    assert "ours" not in shown.out + shown.err


def test_help_explains_every_option_with_its_default():
    text = main("--help").stdout
    for option in Config.model_fields:
        assert f"--{option.replace('_', '-')}" in text
    assert text.count("(default:") == len(Config.model_fields) + 4
    unwrapped = re.sub(r"\s+", " ", text)
    for field in Config.model_fields.values():
        assert field.description.split(",")[0] in unwrapped


def test_bad_data_ends_in_one_sentence_and_no_traceback(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "t10k-images-idx3-ubyte").touch()
    finished = main("--dataset", str(tmp_path / "data"), "--artifacts", str(tmp_path / "artifacts"))
    assert finished.returncode == 2
    (error,) = finished.stderr.splitlines()
    assert error.startswith("error: ")
    assert "train-images-idx3-ubyte" in error


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    finished = main("--dataset", "digits", "--artifacts", str(tmp_path / "file" / "below"))
    assert finished.returncode == 2
    assert "file/below cannot be written to (Not a directory)" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("script", ["flows/main.py", "flows/study.py"])
def test_a_folder_that_may_only_be_read(tmp_path, script):
    (tmp_path / "artifacts").mkdir(mode=0o555)
    finished = main(
        *("--dataset", "digits", "--artifacts", str(tmp_path / "artifacts")),
        script=script,
        preexec_fn=obey_permissions,
    )
    assert finished.returncode == 2
    (error,) = [line for line in finished.stderr.splitlines() if line.startswith("error: ")]
    place = f"--artifacts {tmp_path}/artifacts"
    assert error == (
        f"error: {place} cannot be written to (Permission denied); give a folder that can"
    )
    assert "Traceback" not in finished.stderr


def main(
    *arguments: str, script: str = "flows/main.py", **options
) -> subprocess.CompletedProcess[str]:
    from prefect.settings import get_current_settings

    return subprocess.run(
        [sys.executable, script, *arguments],
        cwd=ROOT,
        env=get_current_settings().to_environment_variables(exclude_unset=True) | environment(),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def environment() -> dict[str, str]:
    import os

    return dict(os.environ)
