"""What the command line takes, the form in the UI takes, and the other way round."""

from typing import Any

import pytest
from prefect.utilities.schema_tools import validate
from pydantic import ValidationError

from flows.cli import run_command
from flows.config import Config, RetrainCommand, RetrainConfig, StudyConfig, as_config
from flows.main import main
from flows.recipes import RECIPES
from flows.retrain import retrain
from flows.study import study
from tasks.errors import InputError

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
    schema = flow.flow.parameters.model_dump_for_openapi()
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
def test_a_wrong_text_is_refused_by_both_in_the_same_sentence(flow, field, text, capsys):
    assert on_the_command_line(flow, **{field: text}) is None
    (said,) = capsys.readouterr().err.splitlines()
    with pytest.raises(InputError) as refused:
        flow.flow.validate_parameters({"config": {field: text}})
    assert said == f"error: {refused.value}"


@pytest.mark.parametrize(
    ("flow", "config", "sentence"),
    [
        (main, {"recipes": ["magic"]}, f"'magic' is not one of {[*RECIPES]}"),
        (study, {"subsets": [[0, 1.5]]}, "1.5 is not valid under any of the given schemas"),
        (study, {"subsets": [[0, ""]]}, "'' is not valid under any of the given schemas"),
        (study, {"seeds": [-1]}, "-1 is less than the minimum of 0"),
        (study, {"seeds": [2**32]}, "4294967296 is greater than the maximum"),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_wrong_item_is_refused_by_the_form_and_by_the_configuration(flow, config, sentence):
    assert any(said.startswith(sentence) for said in refused_by_the_form(flow, **config))
    with pytest.raises(ValidationError):
        COMMANDS[flow][1].model_validate(config)


@pytest.mark.parametrize(
    ("flow", "config", "sentence"),
    [
        (main, {"classes": [0]}, "give two or more different classes"),
        (main, {"classes": [0, 0]}, "give two or more different classes"),
        (retrain, {"recipes": []}, "a model in use comes from one recipe; give one"),
        (retrain, {"recipes": ["notebook", "tuned"]}, "a model in use comes from one recipe"),
        (retrain, {"model": "sigmoid", "classes": [0, 1, 2]}, "a single node tells two classes"),
        (retrain, {"model": "sigmoid", "classes": "0,1,2"}, "a single node tells two classes"),
        (study, {"pairs": [[0, 1, 2]]}, "a pair is two classes, as in 0,1"),
        (study, {"pairs": [[0, 0]]}, "every subset is two or more different classes"),
        (study, {"pairs": [[0]]}, "every subset is two or more different classes"),
        (study, {"seeds": []}, "give one or more different seeds"),
        (study, {"seeds": [1, 1]}, "give one or more different seeds"),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_wrong_list_is_refused_by_the_flow_in_one_sentence(flow, config, sentence):
    with pytest.raises(InputError) as refused:
        flow.flow.validate_parameters({"config": config})
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


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
