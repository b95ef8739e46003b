"""What the command line takes, the form in the UI takes, and the other way round."""

import itertools
import re
from typing import Any

import pytest
from prefect.utilities.schema_tools import validate
from pydantic import ValidationError

from flows.cli import run_command
from flows.config import Config, RetrainCommand, RetrainConfig, StudyConfig, as_config
from flows.main import main
from flows.retrain import retrain
from flows.study import study

COMMANDS = {
    main: (Config, Config),
    retrain: (RetrainCommand, RetrainConfig),
    study: (StudyConfig, StudyConfig),
}


def on_the_command_line(flow: Any, **texts: str) -> Any:
    """The configuration; None where it is refused."""
    arguments, config = COMMANDS[flow]
    found: list[Any] = []
    options = [f"--{name.replace('_', '-')}={text}" for name, text in texts.items()]
    code = run_command("flows/a.py", "", arguments, found.append, options)
    assert code == (0 if found else 2)
    return as_config(found[0], config) if found else None


def refused_by_the_form(flow: Any, **config: Any) -> list[str]:
    """What Prefect's server says of parameters, before it makes a run of them."""
    schema = flow.parameters.model_dump_for_openapi()
    return [error.message for error in validate({"config": config}, schema)]


@pytest.mark.parametrize(
    ("flow", "field", "text", "value"),
    [
        (main, "classes", "0,1", (0, 1)),
        (main, "classes", "7,3,5", (7, 3, 5)),
        (main, "classes", "0,12", (0, 12)),
        (main, "classes", "a,b", ("a", "b")),
        (main, "recipes", "notebook,tuned", ("notebook", "tuned")),
        (main, "recipes", "tuned", ("tuned",)),
        (main, "base_classes", "all", "all"),
        (main, "base_classes", "others", "others"),
        (study, "base_classes", "2,3", (2, 3)),
        (retrain, "classes", "3,5", (3, 5)),
        (retrain, "recipes", "notebook", ("notebook",)),
        (study, "pairs", "all", "all"),
        (study, "pairs", "0,1 3,5", ((0, 1), (3, 5))),
        (study, "pairs", "", ()),
        (study, "subsets", "0,1 3,5,8", ((0, 1), (3, 5, 8))),
        (study, "seeds", "0..4", (0, 1, 2, 3, 4)),
        (study, "seeds", "0,1,7", (0, 1, 7)),
        (study, "seeds", "0..2,7", (0, 1, 2, 7)),
        (study, "recipes", "tuned", ("tuned",)),
    ],
)
def test_what_is_right_is_the_same_on_both(flow, field, text, value):
    assert getattr(on_the_command_line(flow, **{field: text}), field) == value
    kind = COMMANDS[flow][1]
    as_a_list = kind(**{field: value}).model_dump(mode="json")[field]
    for given in (text, as_a_list):
        assert refused_by_the_form(flow, **{field: given}) == []
        assert getattr(kind.model_validate({field: given}), field) == value


@pytest.mark.parametrize(
    ("flow", "field", "text"),
    [
        (main, "classes", "0"),
        (main, "classes", "0,0"),
        (main, "classes", "0 1"),
        (main, "base_classes", "some"),
        (main, "base_classes", "2,2"),
        (main, "base_classes", ""),
        (main, "recipes", "magic"),
        (main, "recipes", "tuned,tuned"),
        (retrain, "recipes", ""),
        (retrain, "recipes", "notebook,tuned"),
        (study, "pairs", "0,1,2"),
        (study, "pairs", "0,0"),
        (study, "pairs", "0,1 3"),
        (study, "pairs", "some"),
        (study, "subsets", "0,1 3,5,3"),
        (study, "subsets", "all"),
        (study, "seeds", ""),
        (study, "seeds", "1,1"),
        (study, "seeds", "-1"),
        (study, "seeds", "1.5"),
        (study, "seeds", "0..x"),
    ],
)
def test_a_wrong_text_is_refused_by_both(flow, field, text):
    assert on_the_command_line(flow, **{field: text}) is None
    (said,) = refused_by_the_form(flow, **{field: text})
    assert said.startswith(f"{text!r} does not match ")


@pytest.mark.parametrize(
    ("flow", "config", "sentence"),
    [
        (main, {"classes": [0]}, "[0] should not be valid under"),
        (main, {"classes": [0, 0]}, "[0, 0] has non-unique elements"),
        (retrain, {"recipes": []}, "[] should be non-empty"),
        (main, {"recipes": ["magic"]}, "'magic' is not one of ['notebook', 'tuned']"),
        (retrain, {"recipes": ["notebook", "tuned"]}, "['notebook', 'tuned'] is too long"),
        (retrain, {"model": "sigmoid", "classes": [0, 1, 2]}, "[0, 1, 2] is too long"),
        (retrain, {"model": "sigmoid", "classes": "0,1,2"}, "'0,1,2' does not match"),
        (study, {"pairs": [[0, 1, 2]]}, "[0, 1, 2] is too long"),
        (study, {"pairs": [[0, 0]]}, "[0, 0] has non-unique elements"),
        (study, {"pairs": [[0]]}, "[0] is too short"),
        (study, {"subsets": [[0, 1.5]]}, "1.5 is not valid under any of the given schemas"),
        (study, {"subsets": [[0, ""]]}, "'' is not valid under any of the given schemas"),
        (study, {"seeds": []}, "[] should be non-empty"),
        (study, {"seeds": [1, 1]}, "[1, 1] has non-unique elements"),
        (study, {"seeds": [-1]}, "-1 is less than the minimum of 0"),
        (study, {"seeds": [2**32]}, "4294967296 is greater than the maximum"),
        (study, {"address": "tcp://10.0.0.1:8786"}, "'runner' is a required property"),
        (
            study,
            {"address": "tcp://10.0.0.1:8786", "runner": "processes"},
            "'dask' was expected",
        ),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_wrong_list_is_refused_by_the_form_and_by_the_configuration(flow, config, sentence):
    assert any(said.startswith(sentence) for said in refused_by_the_form(flow, **config))
    with pytest.raises(ValidationError):
        COMMANDS[flow][1].model_validate(config)


@pytest.mark.parametrize(
    ("flow", "field", "letters"),
    [
        (main, "classes", "01, "),
        (study, "pairs", "01, "),
        (study, "subsets", "01, "),
        (study, "seeds", "01,. "),
    ],
)
def test_of_all_short_texts_both_take_the_same(flow, field, letters):
    (model,) = flow.parameters.model_dump_for_openapi()["definitions"].values()
    pattern, kind = model["properties"][field]["pattern"], COMMANDS[flow][1]
    taken = 0
    for length in range(7):
        for text in map("".join, itertools.product(letters, repeat=length)):
            by_form = re.search(pattern, text) is not None
            try:
                kind.model_validate({field: text})
                by_command_line = True
            except ValidationError:
                by_command_line = False
            # no pattern can compare the ends of a range
            assert by_form == by_command_line or (by_form and ".." in text), text
            taken += by_command_line
    assert taken > 10


def test_a_form_is_filled_with_what_it_takes():
    filled = StudyConfig(pairs="all", subsets=((3, 5, 8),), seeds=(0, 1)).filled_form()
    assert (filled["pairs"], filled["subsets"], filled["seeds"]) == ("all", "3,5,8", "0,1")
    for flow, (_, kind) in COMMANDS.items():
        assert refused_by_the_form(flow, **kind().filled_form()) == []
        assert kind.model_validate(kind().filled_form()) == kind()


def test_seeds_without_end_are_refused_before_they_are_counted(capsys):
    assert on_the_command_line(study, seeds="0..99999999999") is None
    assert capsys.readouterr().err == (
        "error: --seeds '0..99999999999': give at most 10,000 seeds\n"
    )
