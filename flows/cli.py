"""From arguments and environment to a configuration, and from an error to one sentence."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict

from flows.config import Config, RunConfig
from flows.startup import Interruption
from flows.temporary_server import prefect_server
from flows.warm_up import import_ahead, is_finished
from flows.wrong_settings import sentence
from tasks.data.find import find_source
from tasks.data.read import read_source
from tasks.errors import InputError
from tasks.storage.store import Store, writable_store

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
        """From where the next run resumes."""
        from tasks.networks.checkpointing import describe_unfinished  # imports Prefect

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
    return call_with_settings(
        Arguments, lambda parsed: call_flow(run, parsed.config(Config)), arguments
    )


def call_flow(flow: Callable[[C], Any], config: C, needs_keras: bool = True) -> None:
    """Run a flow, once its inputs were looked at: Prefect takes seconds to begin.

    Args:
        flow: What to run.
        config: What it is told.
        needs_keras: Whether it trains in this process, and not in others.

    Raises:
        Exception: Whatever is wrong with the inputs, or the flow raised.
    """
    check_inputs(config)
    if needs_keras:
        import_ahead(config)
    with prefect_server():
        flow(config)


def check_inputs(config: RunConfig) -> None:
    """Look for what is wrong with the data and the artifacts, where that takes no download.

    Raises:
        InputError: The flow would raise it.
    """
    writable_store(config.artifacts)
    if config.dataset not in ("auto", "mnist"):
        source = find_source(config.dataset, seed=0)
        if source.format != "digits" and not is_finished(config):
            read_source(source)


def call_with_settings(
    settings: type[S], call: Callable[[S], Any], arguments: Sequence[str] | None = None
) -> int:
    """Parse the arguments, call, and say in one sentence what went wrong.

    Returns:
        The exit code: 0 if all went well, 2 for wrong usage or data, 130 after Ctrl-C, 143 after
        SIGTERM, 1 for anything else.
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
    interruption = Interruption(parsed.describe_interruption)
    try:
        call(parsed)
    except BaseException as error:
        # what fails after a signal fails because of it, as where the server has died of it, too
        if not (interruption.signal or isinstance(error, KeyboardInterrupt)):
            if parsed.debug or not isinstance(error, Exception):
                raise
            reason = str(error) or type(error).__name__
            return _fail(reason, 2 if isinstance(error, InputError) else 1)
    else:
        if not interruption.signal:  # which Prefect's `serve` takes for a good end
            interruption.is_over()
            return 0
    interruption.say()
    return interruption.code


def _fail(reason: str, code: int) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return code
