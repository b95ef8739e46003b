"""How each model learned."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tasks.plots.style import COLOURS, picture, svg


def draw_learning_curves(
    models: Sequence[Mapping[str, Any]], quantity: Literal["loss", "accuracy"]
) -> str:
    """Loss (log scale) or accuracy (0..1) on the training images by epoch; dead attempts dotted.

    Args:
        models: Rows as in `metrics.json`.
        quantity: Which of the two.

    Returns:
        An SVG element.
    """
    with picture(height=3.4) as figure:
        axes = figure.subplots()
        for model, colour in zip(models, COLOURS * len(models), strict=False):
            *dead, last = (attempt["history"]["epochs"] for attempt in model["attempt_log"])
            for epochs in dead:
                _plot(axes, epochs, quantity, color=colour, linestyle=":", alpha=0.6)
            name = f"{model['recipe']} {model['model']}"
            _plot(axes, last, quantity, color=colour, marker="o", markersize=3, label=name)
        axes.set(xlabel="epoch", ylabel=f"training {quantity}")
        axes.xaxis.get_major_locator().set_params(integer=True)
        if quantity == "loss":
            _use_log_scale(axes)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        return svg(figure)


def _plot(axes: Any, epochs: Sequence[Mapping[str, float]], quantity: str, **style: Any) -> None:
    axes.plot(range(1, len(epochs) + 1), [epoch[quantity] for epoch in epochs], **style)


def _use_log_scale(axes: Any) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1,)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter("{x:g}")
