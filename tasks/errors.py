"""The one kind of error that is meant to be read by a person."""


class InputError(ValueError):
    """A bad input: one sentence that names the input and what would be right.

    The command line prints it without a traceback and exits with code 2.
    """
