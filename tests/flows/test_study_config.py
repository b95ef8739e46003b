"""What a study is told, as it is typed."""

import pytest

from flows.cli import run_command
from flows.cli_types import reproducing_command
from flows.config import StudyConfig
from flows.study import join_lists
from tasks.errors import InputError
from tasks.reporting.page import listed


def parse(*arguments: str) -> StudyConfig:
    found: list[StudyConfig] = []
    typed = join_lists(list(arguments))
    assert run_command("flows/study.py", "", StudyConfig, found.append, typed) == 0
    return found[0]


def test_subsets_and_seeds_are_read_as_they_are_typed():
    config = parse("--subsets", "0,1", "3,5,8", "--seeds", "0..2,7", "--recipes", "tuned")
    assert config.subsets == ((0, 1), (3, 5, 8))
    assert config.seeds == (0, 1, 2, 7)
    assert config.recipes == ("tuned",)
    assert config.chosen_subsets(tuple(range(10))) == ((0, 1), (3, 5, 8))
    assert config.chosen_subsets(tuple(range(-1, 9))) == ((1, 2), (4, 6, 9))


def test_all_pairs_are_those_of_the_classes_that_are_present():
    assert len(parse("--pairs", "all").chosen_subsets(tuple(range(10)))) == 45
    assert parse("--pairs", "all").chosen_subsets((1, 3, 7)) == ((0, 1), (0, 2), (1, 2))
    assert parse().chosen_subsets((1, 3, 7)) == ((0, 1), (0, 2), (1, 2))
    both = parse("--pairs", "all", "--subsets", "3,7", "7,3", "1,3,7")
    assert both.chosen_subsets((1, 3, 7)) == ((0, 1), (0, 2), (1, 2), (2, 1), (0, 1, 2))


def test_a_class_that_the_data_lack_is_named():
    with pytest.raises(InputError, match=r"^the data have no class 12; there are 0, 1, 3$"):
        parse("--subsets", "0,12").chosen_subsets((0, 1, 3))


def test_one_base_serves_all_seeds_or_each_has_its_own():
    assert parse("--seeds", "3..5").base_seeds() == {3: (3, 4, 5)}
    assert parse("--seeds", "3,5", "--no-shared-base").base_seeds() == {3: (3,), 5: (5,)}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--pairs", "0,1,2"], "a pair is two classes, as in 0,1; give others as --subsets"),
        (["--subsets", "0,0"], "every subset is two or more different classes, as in 0,1 3,5,8"),
        (["--seeds", "1,1"], "give one or more different seeds, as in 0..4 or 0,1,7"),
        (["--seeds", "4..0"], "give one or more different seeds, as in 0..4 or 0,1,7"),
        (["--workers", "0"], "--workers '0': Input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_ends_in_one_sentence(arguments, sentence, capsys):
    typed = join_lists(arguments)
    assert run_command("flows/study.py", "", StudyConfig, pytest.fail, typed) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert sentence in line


def test_the_report_gives_the_command_as_it_is_typed():
    config = StudyConfig(subsets=((0, 1), (3, 5, 8)), seeds=(0, 1, 2), shared_base=False)
    assert reproducing_command(config.script, config) == (
        "python flows/study.py --subsets '0,1 3,5,8' --seeds 0..2 --no-shared-base"
    )
    assert listed(config.model_dump(mode="json")["subsets"]) == "0, 1; 3, 5, 8"
