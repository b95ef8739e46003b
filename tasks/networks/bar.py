"""The bar of whatever takes its time: on a terminal, and nowhere else."""

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn


def terminal_bar(*columns: ProgressColumn) -> Progress:
    """A description, a bar, these columns, and the time that is left; `disable` elsewhere."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *columns,
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
