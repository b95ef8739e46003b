"""The environment's settings, in which a misspelt name would be ignored without a word."""

from collections.abc import Iterable
from difflib import get_close_matches

from flows.arguments import COMMANDS
from flows.cli import ENVIRONMENT_PREFIX
from tasks.errors import InputError


def check_environment(names: Iterable[str]) -> None:
    """Check that every variable with our prefix is a setting of one of the commands.

    Args:
        names: Those of all variables.

    Raises:
        InputError: One is not; the sentence gives the name that is the most like it.
    """
    known = [
        f"{ENVIRONMENT_PREFIX}{field}".upper()
        for command in COMMANDS
        for field in command.model_fields
    ]
    for name in names:
        upper = name.upper()
        if upper.startswith(ENVIRONMENT_PREFIX) and upper not in known:
            (nearest,) = get_close_matches(upper, known, n=1, cutoff=0)
            raise InputError(f"{name} is no setting; the nearest one is {nearest}")
