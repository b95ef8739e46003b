"""Curves: training, label efficiency, and confidence on known and unknown classes."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from tasks.plots.style import COLOURS, MARKERS, picture, svg


def draw_learning_curves(
    models: Sequence[Mapping[str, Any]], quantity: Literal["loss", "accuracy"]
) -> str:
    """Loss (log scale) or accuracy (0..1) on the training images by epoch; dead attempts dotted.

    Each model has `recipe`, `model` and its `attempt_log`, whose last attempt is the model.
    """
    with picture(height=3.4) as (figure, axes):
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


def draw_label_efficiency(label_efficiency: Mapping[str, Any]) -> str:
    """A line for each approach: the mean of its draws, in a band from the worst to the best.

    Up to four `approaches` have `points` of `images` (labelled, 1 or more) and the `low`, `mean`
    and `high` accuracy 0..1 of the draws.
    """
    approaches = label_efficiency["approaches"]
    with picture(height=3.4) as (figure, axes):
        for one, colour, marker in zip(approaches, COLOURS, MARKERS, strict=False):
            images = [point["images"] for point in one["points"]]
            low, mean, high = (
                [100 * point[key] for point in one["points"]] for key in ("low", "mean", "high")
            )
            axes.fill_between(images, low, high, color=colour, alpha=0.15, linewidth=0)
            label = one["approach"]
            axes.plot(images, mean, color=colour, marker=marker, markersize=4, label=label)
        axes.set(xscale="log", xlabel="labelled images", ylabel="test accuracy, %")
        axes.xaxis.set_major_formatter("{x:g}")
        figure.legend(loc="outside lower center", ncols=4, frameon=False)
        return svg(figure)


def draw_uncertainty(head: Mapping[str, Any]) -> str:
    """Shares of known and unknown images by uncertainty (1 minus the top probability, log scale).

    A head has `uncertainties`, the n + 1 edges of the bins, `known_counts` and `unknown_counts`,
    the images in each, (n,), and the `threshold` (0..1) below which it refuses.
    """
    uncertainties = head["uncertainties"]
    with picture(height=3.0) as (figure, axes):
        for key, name, colour, hatch in (
            ("known", "known classes", COLOURS[0], ""),
            ("unknown", "unknown classes", COLOURS[1], "///"),
        ):
            counts = np.asarray(head[f"{key}_counts"])
            share = 100 * counts / max(1, counts.sum())
            axes.stairs(
                share, uncertainties, fill=True, alpha=0.45, color=colour, hatch=hatch, label=name
            )
        threshold = np.clip(1 - head["threshold"], uncertainties[0], uncertainties[-1])
        axes.axvline(threshold, color="black", linestyle="--", label="threshold")
        axes.set(xscale="log", xlabel="1 - top probability", ylabel="test images, %")
        axes.invert_xaxis()
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
        return svg(figure)
