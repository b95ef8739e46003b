"""The command line that makes the same run again."""

import shlex
from typing import Any, ClassVar

from pydantic import BaseModel

ELSEWHERE = ("artifacts", "wait", "refresh")  # these decide where and when, not what


class Settings(BaseModel):
    """The settings of a command, which is `python` and `script`."""

    script: ClassVar[str]


def reproducing_command(config: Settings) -> str:
    """The command with every setting that is not the default."""
    options = [
        option
        for name, field in type(config).model_fields.items()
        if name not in ELSEWHERE and getattr(config, name) != field.default
        for option in _option(name, getattr(config, name))
    ]
    return shlex.join(["python", config.script, *options])


def _option(name: str, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    return [f"--{flag}", typed(value)]


def typed(value: Any) -> str:
    """A value as it is typed: `0,1`, and several of these as `0,1 3,5`."""
    if not isinstance(value, tuple):
        return str(value)
    separator = " " if any(isinstance(item, tuple) for item in value) else ","
    return separator.join(map(typed, value))
