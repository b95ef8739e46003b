"""Workers without what Keras imports where it is installed, for functions that no worker calls.

And without a log of errors that the run itself tells of.
"""

import logging
import sys
from typing import Any

NOT_NEEDED = ("matplotlib", "pandas", "sklearn")


def leave_out_what_is_not_needed() -> None:
    """Let the imports of these modules fail in this process, which saves 75 MB of it."""
    for name in NOT_NEEDED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]    # that is how Python says it


def dask_setup(worker: Any) -> None:
    """Dask calls this in each worker that is told to load this module first."""
    leave_out_what_is_not_needed()
    logging.getLogger("distributed.worker").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Not an error with its traceback: it is raised in the run, too, and said there."""
    return "Compute Failed" not in record.getMessage()
