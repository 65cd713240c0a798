"""Plots of a hyperparameter search: its course, and each searched parameter against the objective.

Trials are objects such as `python.training.search.trials.Trial`. Each function returns one figure, also of no trials.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from python.config.search_space import Dimension
from python.plots import style

ROOM_OF_FAILED = 0.15  # of the panel: they have no value, and stand where it would be worst
MARGIN = 0.07  # of a range, at either end
SPREAD = 0.25  # of the trials of one choice about its place, so that they do not hide each other
LONGEST_CHOICE = 14  # characters
LINE_OF_LABELS = 72  # characters that fit beneath all panels of a row
PRUNED = {"marker": "o", "facecolors": "none", "linewidths": 1.4}
FAILED = {"marker": "x", "color": style.colour(1), "linestyle": "none", "markersize": 7, "markeredgewidth": 1.8}
BEST = {"marker": "*", "color": style.colour(3), "markeredgecolor": "black", "linestyle": "none"}


class FinishedTrial(Protocol):
    """What is drawn of a trial: `status` is done, pruned or failed; `metric` and `loss` are None where it failed."""

    @property
    def number(self) -> int: ...

    @property
    def values(self) -> Mapping[str, Any]: ...

    @property
    def status(self) -> str: ...

    @property
    def metric(self) -> float | None: ...

    @property
    def loss(self) -> float | None: ...


def plot_trials(trials: Sequence[FinishedTrial], objective: str) -> Figure:
    """The objective by number of the trial, with the best of the trials up to there that ran to their end."""
    figure = style.new_figure("Trials of the search")
    axes = style.panels(figure)[0]
    style.describe(axes, "trial", objective.replace("_", " "))
    if not trials:
        style.say(axes, "no trial has ended")
        return figure
    done, pruned, failed = _by_status(trials)
    if done:
        course = np.arange(done[0].number, max(trial.number for trial in trials) + 1)
        best_so_far = [_best([trial for trial in done if trial.number <= number]).metric for number in course]
        axes.step(course, best_so_far, where="post", color=style.GREY, linewidth=1.5, label="best so far", zorder=1)
    axes.scatter(*_numbers_and_metrics(done), s=45, color=style.colour(0), label=f"done ({len(done)})")
    if pruned:
        look = {"edgecolors": style.colour(4), "label": f"pruned ({len(pruned)})"}
        axes.scatter(*_numbers_and_metrics(pruned), s=45, **PRUNED, **look)
    if done:
        best = _best(done)
        text = f"best: {best.metric:.5g}, trial {best.number}"
        axes.plot(best.number, best.metric, markersize=18, **BEST, label=text)
    numbers = [trial.number for trial in trials]
    axes.set_xlim(min(numbers) - 0.6, max(numbers) + 0.6)
    axes.xaxis.get_major_locator().set_params(integer=True)
    _show_objective_axis(axes, trials)
    _draw_failed(axes, trials, [trial.number for trial in failed], f"failed ({len(failed)})")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=5, fontsize=11, frameon=False)
    return figure


def plot_parameters(
    trials: Sequence[FinishedTrial], dimensions: Mapping[str, Dimension], objective: str = "objective"
) -> Figure:
    """A panel for each searched parameter: the objective against its value, darker for later trials.

    Choices have a place each, with a bar at the median of their trials that ran to their end; ranges have a linear axis,
    log-uniform ones a logarithmic one.
    """
    figure = style.new_figure("Searched parameters")
    label = objective.replace("_", " ")
    if not trials:
        axes = style.panels(figure)[0]
        style.describe(axes, "", label)
        style.say(axes, "no trial has ended")
        return figure
    columns = next((n for n in (1, 2, 3) if len(dimensions) <= n * n), 4)
    rows = math.ceil(len(dimensions) / columns)
    all_axes = style.panels(figure, rows, columns)
    numbers = [trial.number for trial in trials]
    order = Normalize(min(numbers) - 0.2 * (max(numbers) - min(numbers)) - 1, max(numbers))  # none too light to be seen
    for index, (name, dimension) in enumerate(dimensions.items()):
        axes = all_axes[index]
        style.describe(axes, name, "" if index % columns else label)
        _draw_parameter(axes, name, dimension, trials, order, columns)
        if rows > 2:
            axes.tick_params(labelsize=9)
    for axes in all_axes[len(dimensions) :]:
        axes.remove()
    bar = figure.colorbar(
        ScalarMappable(order, _order_colours()), ax=all_axes[: len(dimensions)], label="trial", aspect=40
    )
    bar.ax.set_ylim(min(numbers), max(numbers) + (min(numbers) == max(numbers)))
    bar.ax.yaxis.get_major_locator().set_params(integer=True)
    named: dict[str, Artist] = {}
    for axes in all_axes[: len(dimensions)]:
        handles, labels = axes.get_legend_handles_labels()
        named |= dict(zip(labels, handles, strict=True))
    figure.legend(named.values(), named, loc="outside lower center", ncols=len(named), fontsize=11, frameon=False)
    return figure


# ---------------------------------------------------------------------------- shared
def _by_status(trials: Sequence[FinishedTrial]) -> list[list[FinishedTrial]]:
    """Trials that are done, pruned and failed, each in the order of their numbers."""
    ordered = sorted(trials, key=lambda trial: trial.number)
    return [[trial for trial in ordered if trial.status == status] for status in ("done", "pruned", "failed")]


def _best(done: Sequence[FinishedTrial]) -> FinishedTrial:
    return min(done, key=lambda trial: math.inf if trial.loss is None else trial.loss)


def _numbers_and_metrics(trials: Sequence[FinishedTrial]) -> tuple[list[int], list[float | None]]:
    return [trial.number for trial in trials], [trial.metric for trial in trials]


def _order_colours() -> Colormap:
    return colormaps["viridis_r"]


def _draw_parameter(
    axes: Axes, name: str, dimension: Dimension, trials: Sequence[FinishedTrial], order: Normalize, columns: int
) -> None:
    done, pruned, failed = _by_status(trials)
    places = _places(axes, name, dimension, trials, columns)

    def points(mine: Sequence[FinishedTrial]) -> tuple[list[float], list[float | None]]:
        return [places[trial.number] for trial in mine], [trial.metric for trial in mine]

    colours = _order_colours()(order([trial.number for trial in done]))
    axes.scatter(*points(done), s=36, c=colours, edgecolors="black", linewidths=0.4, label="done")
    if pruned:
        colours = _order_colours()(order([trial.number for trial in pruned]))
        axes.scatter(*points(pruned), s=36, edgecolors=colours, **PRUNED, label="pruned")
    if dimension.form == "choice":
        for place, choice in enumerate(dimension.values):
            metrics = [trial.metric for trial in done if trial.metric is not None and trial.values[name] == choice]
            if metrics:
                ends = (place - 1.3 * SPREAD, place + 1.3 * SPREAD)
                axes.hlines(np.median(metrics), *ends, color=style.GREY, linewidth=2, label="median of a choice")
    if done:
        axes.plot(*points([_best(done)]), markersize=13, **BEST, label="best")
    _show_objective_axis(axes, trials)
    _draw_failed(axes, trials, [places[trial.number] for trial in failed], "failed")


def _places(
    axes: Axes, name: str, dimension: Dimension, trials: Sequence[FinishedTrial], columns: int
) -> dict[int, float]:
    """Prepare the horizontal axis; return where on it each trial belongs, by number."""
    if dimension.form == "choice":
        labels = [_in_words(choice) for choice in dimension.values]
        crowded = sum(len(label) + 1 for label in labels) > LINE_OF_LABELS / columns
        slant = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
        axes.set_xticks(range(len(labels)), labels, **slant)
        axes.set_xlim(-0.5, len(labels) - 0.5)
        places: dict[int, float] = {}
        for place, choice in enumerate(dimension.values):
            mine = [trial.number for trial in trials if trial.values[name] == choice]
            spread = SPREAD * np.linspace(-1, 1, len(mine)) if len(mine) > 1 else np.zeros(len(mine))
            places |= dict(zip(sorted(mine), place + spread, strict=True))
        return places
    low, high = dimension.values[:2]
    if dimension.form == "loguniform":
        axes.set_xscale("log")
        margin = (high / low) ** MARGIN
        axes.set_xlim(low / margin, high * margin)
    else:
        axes.set_xlim(low - MARGIN * (high - low), high + MARGIN * (high - low))
        axes.xaxis.get_major_locator().set_params(integer=all(float(end).is_integer() for end in dimension.values))
    return {trial.number: trial.values[name] for trial in trials}


def _in_words(choice: Any) -> str:
    text = choice if isinstance(choice, str) else json.dumps(choice)
    return text if len(text) <= LONGEST_CHOICE else text[: LONGEST_CHOICE - 3] + "..."


def _show_objective_axis(axes: Axes, trials: Sequence[FinishedTrial]) -> None:
    """Limits around all values, beyond the worst with room for failed trials; logarithmic over orders of magnitude."""
    metrics = np.array([trial.metric for trial in trials if trial.status != "failed"])
    if not metrics.size:
        axes.set_yticks([])
        return
    logarithmic = metrics.min() > 0 and metrics.max() > 20 * metrics.min()
    low, high = np.log10([metrics.min(), metrics.max()]) if logarithmic else (metrics.min(), metrics.max())
    span = high - low or abs(high) or 1.0
    below, above = MARGIN * span, MARGIN * span
    if metrics.size < len(trials):
        below, above = (ROOM_OF_FAILED * span, above) if _larger_is_better(trials) else (below, ROOM_OF_FAILED * span)
    limits = np.array([low - below, high + above])
    if logarithmic:
        axes.set_yscale("log")
    axes.set_ylim(*(10**limits if logarithmic else limits))


def _larger_is_better(trials: Sequence[FinishedTrial]) -> bool:
    return any(trial.loss is not None and trial.loss != trial.metric for trial in trials)


def _draw_failed(axes: Axes, trials: Sequence[FinishedTrial], places: Sequence[float], label: str) -> None:
    """Mark failed trials where they are worse than all others."""
    if places:
        height = ROOM_OF_FAILED / 2 if _larger_is_better(trials) else 1 - ROOM_OF_FAILED / 2
        axes.plot(places, [height] * len(places), transform=axes.get_xaxis_transform(), **FAILED, label=label)
