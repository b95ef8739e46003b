"""What is wrong with settings, as one sentence."""

from pydantic import ValidationError


def sentence(error: ValidationError) -> str:
    """The first thing that is wrong: the option, its value, and what would be right."""
    first = error.errors()[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return reason
    option = "--" + str(first["loc"][0]).replace("_", "-")
    return f"{option} {first['input']!r}: {reason}"
