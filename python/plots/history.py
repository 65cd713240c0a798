"""The course of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from python.plots import style

LEARNING_RATE = "learning_rate"


def plot_training_history(history: Mapping[str, Sequence[float | None]]) -> Figure:
    """Loss, every metric with its validation partner `val_<name>`, and `learning_rate`, against the epoch (from 1).

    The best epoch (lowest `val_loss`, without it lowest `loss`) is marked. None and NaN leave gaps.
    """
    figure = style.new_figure("Training history")
    names = _panel_names(history)
    if not names:
        axes = style.panels(figure)[0]
        style.describe(axes, "epoch", "")
        style.say(axes, "no epoch was finished")
        return figure
    columns = 1 if len(names) < 3 else 2
    all_axes = style.panels(figure, -(-len(names) // columns), columns)
    best = best_epoch(history)
    for index, (name, axes) in enumerate(zip(names, all_axes, strict=False)):
        _plot_pair(axes, name, history)
        if best is not None:
            label = _best_text(history, best) if index == 0 else "_"
            axes.axvline(best, color=style.GREY, linestyle=":", label=label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        style.describe(axes, "epoch", name.replace("_", " "))
        style.show_legend(axes)
    for axes in all_axes[len(names) :]:
        axes.remove()
    return figure


def best_epoch(history: Mapping[str, Sequence[float | None]]) -> int | None:
    """The epoch, counted from 1, of the lowest monitored loss; None when no epoch has a finite one."""
    values = _values(history, _monitored(history))
    return int(np.nanargmin(values)) + 1 if np.isfinite(values).any() else None


def _monitored(history: Mapping[str, Sequence[float | None]]) -> str:
    return "val_loss" if "val_loss" in history else "loss"


def _best_text(history: Mapping[str, Sequence[float | None]], best: int) -> str:
    monitored = _monitored(history)
    return f"lowest {monitored}: {_values(history, monitored)[best - 1]:.4g} in epoch {best}"


def _panel_names(history: Mapping[str, Sequence[float | None]]) -> list[str]:
    """Loss first, learning rate last, the metrics between in their own order."""
    bases = dict.fromkeys(name.removeprefix("val_") for name, values in history.items() if len(values))
    middle = [name for name in bases if name not in ("loss", LEARNING_RATE)]
    return [name for name in ("loss", *middle, LEARNING_RATE) if name in bases]


def _values(history: Mapping[str, Sequence[float | None]], name: str) -> np.ndarray:
    values = np.array(history.get(name, ()), dtype=np.float64)  # None becomes NaN
    return np.where(np.isfinite(values), values, np.nan)


def _plot_pair(axes: Axes, name: str, history: Mapping[str, Sequence[float | None]]) -> None:
    drawn = []
    labels = {name: "training", f"val_{name}": "validation"}
    for index, (key, label) in enumerate(labels.items()):
        values = _values(history, key)
        if values.size:
            few = values.size <= 40
            axes.plot(
                np.arange(1, values.size + 1),
                values,
                color=style.colour(index),
                linestyle=style.line_style(index),
                marker=style.marker(index) if few else None,
                markersize=4,
                label="_" if name == LEARNING_RATE else label,
            )
            drawn.append(values[np.isfinite(values)])
    values = np.concatenate(drawn)
    if values.size and values.min() > 0 and values.max() > 20 * values.min():
        axes.set_yscale("log")
