"""Curves: training, label efficiency, and confidence on known and unknown classes."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from tasks.plots.style import COLOURS, MARKERS, picture
from tasks.schemas.results import MARGINS


@picture(legend=2)
def draw_learning_curves(
    axes: Any, models: Sequence[Mapping[str, Any]], quantity: Literal["loss", "accuracy"]
) -> None:
    """Loss (log scale) or accuracy (0..1) on the training images by epoch; dead attempts dotted.

    Each model has `recipe`, `model` and its `attempt_log`, whose last attempt is the model.
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    for model, colour in zip(models, COLOURS * len(models), strict=False):
        name, attempts = f"{model['recipe']} {model['model']}", model["attempt_log"]
        of_model = {"marker": "o", "markersize": 3, "label": name}
        dead = [{"linestyle": ":", "alpha": 0.6}] * (len(attempts) - 1)
        for attempt, style in zip(attempts, [*dead, of_model], strict=True):
            values = [epoch[quantity] for epoch in attempt["history"]["epochs"]]
            axes.plot(range(1, len(values) + 1), values, color=colour, **style)
    axes.set(xlabel="epoch", ylabel=f"training {quantity}")
    axes.xaxis.get_major_locator().set_params(integer=True)
    if quantity == "loss":
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1,)))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter("{x:g}")


@picture(legend=3)
def draw_label_efficiency(axes: Any, label_efficiency: Mapping[str, Any]) -> None:
    """A line for each approach: the mean of its draws, in a band from the worst to the best.

    Up to five `approaches` have `points`, one for each number of labelled `images`, of the `low`,
    `mean` and `high` accuracy 0..1 of the draws.
    """
    approaches, images = label_efficiency["approaches"], label_efficiency["images"]
    for one, colour, marker in zip(approaches, COLOURS, MARKERS, strict=False):
        keys, points = ("low", "mean", "high"), one["points"]
        low, mean, high = ([100 * point[key] for point in points] for key in keys)
        axes.fill_between(images, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(images, mean, color=colour, marker=marker, markersize=4, label=one["approach"])
    axes.set(xscale="log", xlabel="labelled images", ylabel="test accuracy, %")
    axes.xaxis.set_major_formatter("{x:g}")


@picture(height=3.0, legend=2)
def draw_margins(axes: Any, refusal: Mapping[str, Any]) -> None:
    """Shares of a model's own images and of each other kind by margin, below 0 of which it refuses.

    Each of its `kinds` has a `kind`, and `counts`, the images in each bin of `MARGINS`.
    """
    for number, one in enumerate(refusal["kinds"]):
        share = 100 * np.asarray(one["counts"]) / max(1, one["n"])
        style = {"fill": True, "alpha": 0.45} if number == 0 else {"linewidth": 1.5}
        axes.stairs(share, MARGINS, color=COLOURS[number], label=one["kind"], **style)
    axes.axvline(0, color="black", linestyle="--", label="threshold")
    axes.set(xlabel="margin, standard deviations", ylabel="test images, %")
