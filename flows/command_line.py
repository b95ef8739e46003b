"""From arguments and environment to a configuration, and from an error to one sentence."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict

from flows.config import Config, RunConfig
from flows.warm_up import import_ahead
from flows.wrong_settings import sentence
from tasks.errors import InputError
from tasks.storage.store import Store

ENVIRONMENT_PREFIX = "TRANSFER_"


C = TypeVar("C", bound=RunConfig)


class Command(BaseSettings):
    """What every command has: its options, which the environment sets too, and how it ends."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=ENVIRONMENT_PREFIX,
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
    )

    debug: bool = Field(default=False, description="Show the traceback of an error.")

    def describe_interruption(self) -> str:
        """What Ctrl-C left behind, in words."""
        return "nothing was written"


class RunArguments(RunConfig, Command):
    """What every command has that computes and stores."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict()

    def config(self, kind: type[C]) -> C:
        """A configuration alone; what was not given is that configuration's own default."""
        given = self.model_dump(include=set(kind.model_fields), exclude_unset=True)
        return kind.model_validate(given)

    def describe_interruption(self) -> str:
        """From where the next run goes on."""
        from tasks.networks.keeping import describe_unfinished  # imports Prefect

        return describe_unfinished(Store.at(self.artifacts))


class Arguments(Config, RunArguments):
    """Train a digit classifier, transfer it to some of the digits, and compare the results.

    Every option can also be set in the environment, as in TRANSFER_DATASET.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        cli_prog_name="python flows/main.py"
    )


S = TypeVar("S", bound=Command)


def run_from_command_line(
    run: Callable[[Config], Any], arguments: Sequence[str] | None = None
) -> int:
    """Parse the arguments of `flows/main.py` and run; see `call_with_settings`."""

    def begin(parsed: Arguments) -> None:
        import_ahead(parsed.config(Config))
        run(parsed.config(Config))

    return call_with_settings(Arguments, begin, arguments)


def call_with_settings(
    settings: type[S], call: Callable[[S], Any], arguments: Sequence[str] | None = None
) -> int:
    """Parse the arguments, call, and say in one sentence what went wrong.

    Returns:
        The exit code: 0 if all went well, 2 for wrong usage or data, 130 after Ctrl-C, 1 for
        anything else.
    """
    from flows.environment import check_environment  # imports every command, and so this module

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow looks for a GPU aloud
    try:
        check_environment(os.environ)
        parsed = CliApp.run(settings, None if arguments is None else list(arguments))
    except ValidationError as error:
        return _fail(sentence(error), 2)
    except InputError as error:
        return _fail(str(error), 2)
    try:
        call(parsed)
    except KeyboardInterrupt:
        return _fail(f"interrupted; {parsed.describe_interruption()}", 130)
    except Exception as error:
        if parsed.debug:
            raise
        return _fail(str(error) or type(error).__name__, 2 if isinstance(error, InputError) else 1)
    return 0


def _fail(reason: str, code: int) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return code
