"""A model in words."""

from typing import TYPE_CHECKING

from prefect.logging import get_run_logger

if TYPE_CHECKING:
    import keras


def log_summary(model: "keras.Model", moment: str) -> None:
    """Log Keras's table of layers with total and trainable parameters."""
    lines: list[str] = []
    model.summary(print_fn=lines.append, expand_nested=True, line_length=78)
    get_run_logger().info("%s, %s:\n%s", model.name, moment, "\n".join(lines))
