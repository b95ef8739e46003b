"""From arguments and environment to a run, and from an error to one sentence."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, Field, SecretStr, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, CliApp, CliSettingsSource, SettingsConfigDict

from flows.cli_types import annotation, in_one_sentence, shown
from flows.config import EXPLAINED, SETTINGS, RunConfig, as_config
from flows.run import PipelineFlow, server_is_set
from flows.startup import Interruption
from flows.terminal import explaining, stage_lines, verbose
from tasks.data.read import NAMED, find_source
from tasks.errors import InputError
from tasks.reporting.page import fill
from tasks.storage.store import SECRET, Store

ENVIRONMENT_PREFIX = "TRANSFER_"
OF_ENVIRONMENT = "Every option can also be set in the environment, as in TRANSFER_ARTIFACTS."
METAVARS = {"int": "N", "float": "X", "str": "TEXT", "Path": "FILE", "SecretStr": "TEXT"}

C = TypeVar("C", bound=RunConfig)
M = TypeVar("M", bound=BaseModel)


class _Options(BaseSettings):
    """What makes of a model the options of a command, which the environment sets too."""

    model_config = SettingsConfigDict(
        enable_decoding=False,  # the models parse what is typed
        env_prefix=ENVIRONMENT_PREFIX,
        env_parse_none_str="none",
        cli_parse_none_str="none",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
    )

    debug: bool = Field(default=False, description="Show the traceback of an error.")
    verbose: bool = Field(default=False, description="Show all that is logged, as the UI does.")
    key: SecretStr | None = Field(default=None, description="Sign what is stored with a secret.")


class _RunOptions(_Options):
    explain: bool = Field(
        default=False, description="Say which stages would run, and why, and run none."
    )


def run_command(
    script: str,
    about: str,
    settings: type[M],
    call: Callable[[M], Any],
    arguments: list[str] | None = None,
) -> int:
    """Parse the arguments (`sys.argv`'s if None), call, and say in one sentence what went wrong.

    `--help` shows the script, as in `flows/main.py`, and the first paragraph of `about`. The exit
    code: 0 if all went well, 2 for wrong usage or data, 130 after Ctrl-C, 143 after SIGTERM, or 1.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow looks for a GPU aloud
    try:
        _check_environment()
        parsed, options = _parse(script, about, settings, arguments)
    except InputError as error:
        return _fail(error)
    interruption = Interruption(partial(_describe_interruption, parsed))
    verbose.set(options.verbose)
    os.environ |= {SECRET: options.key.get_secret_value()} if options.key else {}
    explaining.set(getattr(options, "explain", False))
    return _exit_code(partial(call, parsed), interruption, options.debug)


def _exit_code(call: Callable[[], Any], interruption: Interruption, debug: bool) -> int:
    try:
        call()
    except BaseException as error:
        # what fails after a signal fails because of it, as where the server has died of it, too
        if not (interruption.signal or isinstance(error, KeyboardInterrupt)):
            if debug or not isinstance(error, Exception):
                raise
            return _fail(error)
    else:
        if not interruption.signal:  # which Prefect's `serve` takes for a good end
            interruption.is_over()
            return 0
    return interruption.say()


def _parse(
    script: str, about: str, settings: type[M], arguments: list[str] | None
) -> tuple[M, _Options]:
    paragraph = " ".join(about.partition("\n\n")[0].split())
    described = f"{paragraph}\n\n{OF_ENVIRONMENT}"
    of_command = _RunOptions if settings in EXPLAINED else _Options
    model = create_model("Options", __base__=(settings, of_command), __doc__=described)
    options: Any = model
    source: CliSettingsSource[Any] = CliSettingsSource(
        options,
        cli_prog_name=f"python {script}",
        add_argument_method=partial(_add_argument, options.model_fields),
        parse_args_method=_parse_words,
    )
    with in_one_sentence():
        parsed = CliApp.run(options, arguments, cli_settings_source=source)
        return as_config(parsed, settings), parsed


def _parse_words(parser: ArgumentParser, words: Sequence[str]) -> Namespace:
    found, unknown = parser.parse_known_args(words)
    if unknown:
        option = unknown[0].partition("=")[0]
        nearest = get_close_matches(option, parser._option_string_actions, n=1)
        advice = f"did you mean {nearest[0]}?" if nearest else f"see {parser.prog} --help"
        raise InputError(f"there is no option {option}; {advice}")
    return found


def _check_environment() -> None:
    """A misspelt name would be ignored without a word."""
    fields = [field for settings in (_RunOptions, *SETTINGS) for field in settings.model_fields]
    known = [f"{ENVIRONMENT_PREFIX}{field}".upper() for field in fields]
    for name in os.environ:
        upper = name.upper()
        if upper.startswith(ENVIRONMENT_PREFIX) and upper not in known:
            (nearest,) = get_close_matches(upper, known, n=1, cutoff=0)
            raise InputError(f"{name} is no setting; the nearest one is {nearest}")


def call_flow(flow: PipelineFlow[C, Any], config: C) -> None:
    """Run a flow, or explain it, once its data were found."""
    for dataset in (config.dataset, config.base_dataset):
        if dataset not in (None, *NAMED):
            find_source(dataset, 0, config.reading)
    if explaining.get():
        print(fill("explained.txt.jinja", {"rows": flow.explain(config)}, {}).strip("\n"))
        return
    with stage_lines(server_is_set()):
        flow(config)


def _add_argument(
    fields: dict[str, FieldInfo], parser: ArgumentParser, *names: str, **how: Any
) -> Any:
    """An option whose help shows what is typed, not the type that it becomes."""
    field = fields.get(how.get("dest") or names[0])
    if field is not None:
        if "metavar" in how and names[0].startswith("-"):
            of_type, typed = how["metavar"], annotation(field)
            how["metavar"] = typed.example if typed else METAVARS.get(of_type, of_type)
        how["help"] = f"{field.description}{_default(field)}"
    return ArgumentParser.add_argument(parser, *names, **how)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    if field.default in (None, ()):
        return " (default: none)"
    if isinstance(field.default, bool):
        return f" (default: {'on' if field.default else 'off'})"
    return f" (default: {shown(field, field.default)})"


def _describe_interruption(settings: BaseModel) -> str:
    if not isinstance(settings, RunConfig):
        return "nothing was written"
    from tasks.networks.attempts import describe_unfinished

    return describe_unfinished(Store.at(settings.artifacts))


def _fail(error: Exception) -> int:
    print(f"error: {str(error) or type(error).__name__}", file=sys.stderr)
    return 2 if isinstance(error, InputError) else 1
