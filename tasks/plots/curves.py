"""Learning curves."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def draw_learning_curves(models: Sequence[Mapping[str, Any]]) -> str:
    """Loss (log scale) and accuracy (0..1) on the training images, by epoch, a line a model.

    Args:
        models: Rows as in `metrics.json`; the curve is that of the last attempt.

    Returns:
        An SVG element.
    """
    histories = {
        f"{model['recipe']} {model['model']}": model["attempt_log"][-1]["course"]["epochs"]
        for model in models
    }
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "digit-transfer", "svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=(9, 3.4), layout="constrained")
        for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
            for (name, history), colour in zip(histories.items(), COLOURS * 9, strict=False):
                epochs = range(1, len(history) + 1)
                values = [epoch[quantity] for epoch in history]
                axes.plot(epochs, values, marker="o", markersize=4, color=colour, label=name)
            axes.set(xlabel="epoch", ylabel=f"training {quantity}")
            axes.spines[["top", "right"]].set_visible(False)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(alpha=0.3)
        _use_log_scale(figure.axes[0])
        lines, names = figure.axes[0].get_legend_handles_labels()
        figure.legend(lines, names, loc="outside lower center", ncols=3)
        return _svg(figure)


def _use_log_scale(axes: Any) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _svg(figure: Any) -> str:
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    return text.getvalue()[text.getvalue().index("<svg") :]
