"""Several finished runs in one plot: what they reach, how they learned, and how they do against energy.

Error bars hold 68.27 %. Each function returns one figure and draws it also for runs of which little is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from python.comparison.answers import ClassAnswers, DirectionAnswers
from python.comparison.comparison import Comparison, name_of
from python.metrics.binning import bin_index, energy_bins
from python.metrics.classification import (
    UNDEFINED,
    Estimate,
    Estimates,
    area_under_roc,
    decisions,
    described_classes,
    fraction,
    ranking,
)
from python.plots import style
from python.plots.directions import draw_estimates
from python.plots.directions_by_energy import plot_energy_comparison
from python.plots.history import best_epoch

ENERGY = "reconstructed cluster energy [MeV]"
_FEW_EPOCHS = 40
_INCHES_PER_NAME, _NAMES_WITH_ROOM = 0.21, 3  # in a legend of one column
_LARGEST_RATIO = 20  # of a linear axis


def plain(name: str) -> str:
    """The name as a label that Matplotlib neither takes for mathematics nor, for a leading underscore, leaves out."""
    return (" " if name.startswith("_") else "") + name.replace("$", r"\$")


# ---------------------------------------------------------------------------- what runs reach
def plot_ranking(comparison: Comparison) -> Figure:
    """The metric of each run with its interval, and its difference to the best on the same events."""
    figure = style.new_figure(comparison.order[0].upper() + comparison.order[1:])
    figure.set_figheight(2.0 + 0.4 * len(comparison.runs))
    paired = any(comparison.differences)
    values, *rest = style.panels(figure, 1, 2 if paired else 1)
    places = np.arange(len(comparison.runs))
    for place, run in enumerate(comparison.runs):
        found = [run.metrics.get(comparison.metric + end) for end in ("", "_low", "_high")]
        _draw_across(values, place, found)
        if found[0] is None:
            values.annotate("undefined", (0.5, place), xycoords=("axes fraction", "data"), ha="center", va="center")
    style.describe(values, name_of(comparison.metric), "")
    names = [run.name if comparison.rank(n) is None else f"{comparison.rank(n)}  {run.name}"
             for n, run in enumerate(comparison.runs)]  # fmt: skip
    values.set_yticks(places, names, parse_math=False)
    values.set_ylim(len(places) - 0.5, -0.5)
    for axes in (values, *rest):
        axes.locator_params(axis="x", nbins=5)
    for axes in rest:
        for place, difference in enumerate(comparison.differences):
            if difference is not None:
                _draw_across(axes, place, difference[:3])
        axes.axvline(0, color=style.GREY, linestyle=":")
        style.describe(axes, "difference to the best, same events", "")
        axes.set_yticks(places, [""] * len(places))
        axes.set_ylim(len(places) - 0.5, -0.5)
    return figure


def _draw_across(axes: Axes, place: int, estimate: Sequence[float | None]) -> None:
    value, low, high = (np.nan if part is None else part for part in estimate)
    if np.isfinite(value):
        errors = np.nan_to_num([[value - low], [high - value]])
        look = {"color": style.colour(place), "marker": style.marker(place)}
        axes.errorbar([value], [place], xerr=np.maximum(errors, 0), **look, markersize=7, capsize=3)


# ---------------------------------------------------------------------------- how they learned
def plot_learning_curves(
    histories: Sequence[tuple[str, Mapping[str, Sequence[float | None]] | None]], metric: str, same_loss: bool = True
) -> Figure:
    """Loss and `metric` of named runs, on the training and on the validation part, against the epoch.

    A large marker is at the epoch of the lowest validation loss. None and NaN leave gaps; runs without a history are left out.
    """
    figure = style.new_figure("Learning curves (large marker: lowest validation loss)")
    all_axes = style.panels(figure, 2, 2, share_x=True)
    keys = ("loss", "val_loss", metric, f"val_{metric}")
    for axes, key in zip(all_axes, keys, strict=True):
        part = "validation" if key.startswith("val_") else "training"
        drawn = [_draw_course(axes, index, name, history, key) for index, (name, history) in enumerate(histories)]
        title = "different loss functions: not to be compared" if "loss" in key and not same_loss else ""
        x_label = "epoch" if axes in all_axes[2:] else ""
        style.describe(axes, x_label, f"{key.removeprefix('val_').replace('_', ' ')}, {part}", title)
        axes.xaxis.get_major_locator().set_params(integer=True)
        values = np.concatenate([np.empty(0), *drawn])
        if not values.size:
            style.say(axes, "not recorded")
        elif values.min() > 0 and values.max() > _LARGEST_RATIO * values.min():
            axes.set_yscale("log")
    _legend_below(figure, all_axes)
    return figure


def _draw_course(
    axes: Axes, index: int, name: str, history: Mapping[str, Sequence[float | None]] | None, key: str
) -> np.ndarray:
    """Draw one run's `key` and return its finite values."""
    history = history or {}
    values = np.array(history.get(key, ()), dtype=np.float64)  # None becomes NaN
    values = np.where(np.isfinite(values), values, np.nan)
    if not np.isfinite(values).any():
        return np.empty(0)
    look = {"color": style.colour(index), "marker": style.marker(index)}
    axes.plot(
        np.arange(1, len(values) + 1),
        values,
        **look,
        linestyle=style.line_style(index),
        markersize=3 if len(values) <= _FEW_EPOCHS else 0,
        label=plain(name),
    )
    best = best_epoch(history)
    if best is not None and best <= len(values):
        axes.plot([best], [values[best - 1]], **look, markersize=9)
    return values[np.isfinite(values)]


# ---------------------------------------------------------------------------- energy
def plot_directions_against_energy(runs: Sequence[tuple[str, DirectionAnswers]]) -> Figure:
    """`plot_energy_comparison`, with room for the names of many runs."""
    figure = plot_energy_comparison([(plain(name), answers.results) for name, answers in runs])
    figure.set_figheight(style.FIGURE_SIZE[1] + _INCHES_PER_NAME * max(len(runs) - _NAMES_WITH_ROOM, 0))
    return figure


def plot_classes_against_energy(runs: Sequence[tuple[str, ClassAnswers]]) -> Figure:
    """Accuracy, area under the ROC curve (AUC), efficiency of the last class and entries of named runs against energy.

    The runs tell apart the same classes. Bins are those that suit the events of all runs together.
    """
    figure = style.new_figure("Comparison of runs against energy")
    accuracy, area, efficiency, entries = all_axes = style.panels(figure, 2, 2)
    energies = np.concatenate([np.empty(0), *(answers.energy for _, answers in runs)])
    last_class = runs[0][1].class_names[-1] if runs else "the last class"
    labels = ("accuracy", "AUC", f"efficiency, {last_class}", "entries")
    for axes, label in zip(all_axes, labels, strict=True):
        style.describe(axes, ENERGY, label)
    edges = energy_bins(energies, min_entries=20 * max(len(runs), 1))
    if not edges.size:
        style.say(entries, "no events of known energy")
        return figure
    centres = (edges[1:] + edges[:-1]) / 2
    step = min(0.01 * (edges[-1] - edges[0]), 0.6 * np.diff(edges).min() / len(runs))  # error bars beside each other
    for index, (name, answers) in enumerate(runs):
        known = np.isfinite(answers.energy)
        of_bin = np.where(known, bin_index(np.where(known, answers.energy, 0), edges), -1)
        groups = [answers.select(np.flatnonzero(of_bin == number)) for number in range(len(centres))]
        for axes, measure in ((accuracy, _accuracy), (area, _area), (efficiency, _efficiency)):
            label = plain(name) if axes is accuracy else "_"
            estimates = Estimates.of([measure(group) for group in groups])
            draw_estimates(axes, index, centres + (index - (len(runs) - 1) / 2) * step, estimates, label, line=True)
        look = {"color": style.colour(index), "linestyle": style.line_style(index)}
        entries.stairs([len(group) for group in groups], edges, **look, linewidth=1.8)
    area.axhline(0.5, color=style.GREY, linestyle=":")
    for axes in all_axes:
        axes.set_xlim(edges[0], edges[-1])
    entries.set_ylim(bottom=0)
    beyond = np.count_nonzero((energies < edges[0]) | (energies > edges[-1]))
    if beyond:
        entries.set_xlabel(f"{ENERGY}\nthose beyond the axis are in the outermost bins", fontsize=12)
    _legend_below(figure, [accuracy])
    return figure


def _accuracy(answers: ClassAnswers) -> Estimate:
    return fraction(int(np.count_nonzero(decisions(answers.scores) == answers.labels)), len(answers))


def _efficiency(answers: ClassAnswers) -> Estimate:
    last = answers.labels == len(answers.class_names) - 1
    right = last & (decisions(answers.scores) == answers.labels)
    return fraction(int(np.count_nonzero(right)), int(np.count_nonzero(last)))


def _area(answers: ClassAnswers) -> Estimate:
    """Of more than two classes the mean over them, which has no interval."""
    areas = [
        area_under_roc(answers.labels == c, ranking(answers.scores, c)) for c in described_classes(answers.class_names)
    ]
    if len(areas) == 1:
        return areas[0]
    known = [area.value for area in areas if np.isfinite(area.value)]
    return Estimate(float(np.mean(known)), np.nan, np.nan) if known else UNDEFINED


# ---------------------------------------------------------------------------- shared
def _legend_below(figure: Figure, all_axes: Sequence[Axes]) -> None:
    """One legend beneath the panels, each name once."""
    entries: dict[str, object] = {}
    for axes in all_axes:
        handles, labels = axes.get_legend_handles_labels()
        entries |= {label: handle for handle, label in zip(handles, labels, strict=True) if label not in entries}
    if entries:
        figure.legend(
            list(entries.values()), list(entries), loc="outside lower center", ncols=3, fontsize=10, frameon=False
        )
