"""Plots of a classifier against energy: how often it is right, how its scores lie, how many decisions are right and wrong.

Arguments as in `python.plots.classifier`; `energies` (N,) in MeV, NaN where unknown. Each function returns one figure and draws
it also for few, one or no samples. Error bars hold 68.27 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import ArrayLike

from python.metrics.binning import bin_index, energy_bins
from python.metrics.classification import (
    binomial_interval,
    check_classification,
    decisions,
    described_classes,
    fraction,
)
from python.plots import style
from python.plots.classifier import Positions, draw_fractions, with_interval

_ENERGY = "energy [MeV]"
_UNKNOWN = "no sample has a known energy"
_DOTS_AT_MOST = 1000  # in a panel: more are counted in cells
_SCORE_EDGES = np.linspace(0, 1, 41)
_CENTRAL = (16, 50, 84)  # percentiles of the scores of a bin


def plot_accuracy_vs_energy(
    labels: ArrayLike, scores: ArrayLike, class_names: Sequence[str], energies: ArrayLike, energy_label: str = _ENERGY
) -> Figure:
    """Fraction of right decisions in bins of energy; the numbers beneath are the entries of each bin."""
    labels, scores = check_classification(labels, scores, class_names)
    everything = {"all classes": np.ones(len(labels), dtype=bool)}
    return plot_right_decisions("Accuracy", everything, decisions(scores) == labels, energies, energy_label)


def plot_efficiency_vs_energy(
    labels: ArrayLike, scores: ArrayLike, class_names: Sequence[str], energies: ArrayLike, energy_label: str = _ENERGY
) -> Figure:
    """For each true class the fraction decided rightly in bins of energy; beneath, the entries of each bin."""
    labels, scores = check_classification(labels, scores, class_names)
    groups = {name: labels == index for index, name in enumerate(class_names)}
    return plot_right_decisions("Efficiency", groups, decisions(scores) == labels, energies, energy_label)


def plot_right_decisions(
    quantity: str,
    groups: Mapping[str, np.ndarray],
    right: np.ndarray,
    energies: ArrayLike,
    energy_label: str = _ENERGY,
) -> Figure:
    """The share of `right` decisions (N,) in bins of energy for each of the named `groups`, masks (N,); beneath, the entries."""
    energies = np.asarray(energies, dtype=np.float64)
    known = np.isfinite(energies)
    edges = energy_bins(energies)
    figure = style.new_figure(f"{quantity} against energy")
    axes, strip = style.panels(figure, 2, 1, height_ratios=(8, len(groups)), share_x=True)
    style.describe(axes, "", quantity.lower())
    style.describe(strip, energy_label, "entries")
    strip.set_yticks(range(len(groups)), groups, fontsize=10)
    strip.set_ylim(len(groups) - 0.5, -0.5)
    strip.grid(visible=False)
    style.show_fraction_axis(axes)
    if edges.size == 0:
        style.say(axes, _UNKNOWN)
        return figure
    at = Positions.of_bins(edges)
    lowest = 0.9  # most accuracies are too near 1 for an axis from zero
    for index, (name, mine) in enumerate(groups.items()):
        bins = bin_index(energies[mine & known], edges)
        entries = np.bincount(bins, minlength=len(at.x))
        successes = np.bincount(bins, weights=right[mine & known], minlength=len(at.x))
        total = fraction(int(successes.sum()), int(entries.sum()))
        label = f"{name}: {with_interval(total)}" if entries.any() else f"{name}: no entries"
        draw_fractions(axes, index, at, successes, entries, label)
        low = binomial_interval(successes, entries)[0][entries > 0]
        lowest = min(lowest, np.floor(10 * low.min(initial=1)) / 10)
        for centre, count in zip(at.x, entries, strict=True):
            strip.text(centre, index, f"{count:,}", ha="center", va="center", fontsize=9, color=style.colour(index))
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(lowest - 0.03 * (1 - lowest), 1 + 0.03 * (1 - lowest))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=10, frameon=False)
    strip.set_xlabel(f"{energy_label}\n{what_is_not_seen(energies, edges)}".rstrip(), fontsize=12)
    return figure


def what_is_not_seen(energies: np.ndarray, edges: np.ndarray) -> str:
    """What a plot in bins between `edges` does not show of energies (N,), in words."""
    known = np.isfinite(energies)
    beyond = np.count_nonzero((energies[known] < edges[0]) | (energies[known] > edges[-1]))
    unknown = np.count_nonzero(~known)
    notes = []
    if beyond:
        notes.append(f"beyond the axis, counted in the outermost bins: {beyond:,}")
    if unknown:
        notes.append(f"left out, energy unknown: {unknown:,}")
    return "; ".join(notes)


def plot_score_vs_energy(
    labels: ArrayLike, scores: ArrayLike, class_names: Sequence[str], energies: ArrayLike, energy_label: str = _ENERGY
) -> Figure:
    """Score against energy: a column for each true class, a row for each described one, with the median and the central 68 %."""
    labels, scores = check_classification(labels, scores, class_names)
    energies = np.asarray(energies, dtype=np.float64)
    described, known = described_classes(class_names), np.isfinite(energies)
    edges = energy_bins(energies)
    figure = style.new_figure("Score against energy, by true class")
    all_axes = style.panels(figure, len(described), len(class_names))
    for place, axes in enumerate(all_axes):
        row, true_class = divmod(place, len(class_names))
        mine = known & (labels == true_class)
        title = f"{class_names[true_class]} ({np.count_nonzero(mine):,})"
        score_label = "" if true_class else f"score of {class_names[described[row]]}"
        style.describe(axes, "", score_label, "" if row else title)
        style.show_fraction_axis(axes)
        if edges.size == 0:
            style.say(axes, _UNKNOWN)
            continue
        axes.set_xlim(edges[0], edges[-1])
        _draw_scores(axes, energies[mine], scores[mine, described[row]], edges)
    note = what_is_not_seen(energies, edges) if edges.size else ""
    figure.supxlabel(f"{energy_label}\n{note}".rstrip(), fontsize=12)
    handles, names = max((axes.get_legend_handles_labels() for axes in all_axes), key=lambda found: len(found[0]))
    if handles:
        figure.legend(handles, names, loc="outside upper right", fontsize=10, frameon=False)
    return figure


def _draw_scores(axes: Axes, energies: np.ndarray, scores: np.ndarray, edges: np.ndarray) -> None:
    if len(scores) == 0:
        style.say(axes, "no entries")
        return
    shown = np.clip(energies, edges[0], edges[-1])
    if len(scores) > _DOTS_AT_MOST:
        cells = np.linspace(edges[0], edges[-1], 51)
        counts = np.histogram2d(shown, scores, [cells, _SCORE_EDGES])[0].T
        norm = LogNorm(1, max(counts.max(), 2))
        axes.pcolormesh(cells, _SCORE_EDGES, np.ma.masked_equal(counts, 0), cmap="Blues", norm=norm, rasterized=True)
    else:
        axes.plot(shown, scores, ".", color=style.colour(0), markersize=4, alpha=0.5)
    bins = bin_index(energies, edges)
    filled = np.unique(bins)
    low, middle, high = np.transpose([np.percentile(scores[bins == each], _CENTRAL) for each in filled])
    at = Positions.of_bins(edges)
    axes.errorbar(
        at.x[filled],
        middle,
        xerr=None if at.half_widths is None else at.half_widths[filled],
        yerr=[middle - low, high - middle],
        color=style.colour(1),
        marker=style.marker(1),
        markersize=5,
        linestyle="none",
        label="median and central 68 %",
    )


def plot_right_and_wrong(
    labels: ArrayLike, scores: ArrayLike, class_names: Sequence[str], energies: ArrayLike, energy_label: str = _ENERGY
) -> Figure:
    """How many samples of each true class, a panel each, are decided rightly and wrongly at which energy."""
    labels, scores = check_classification(labels, scores, class_names)
    energies = np.asarray(energies, dtype=np.float64)
    known, right = np.isfinite(energies), decisions(scores) == labels
    edges = energy_bins(energies, max_bins=30, min_entries=1)
    figure = style.new_figure("Right and wrong decisions by energy")
    all_axes = style.panels(figure, len(class_names), 1, share_x=True)
    for true_class, (axes, name) in enumerate(zip(all_axes, class_names, strict=True)):
        style.describe(axes, "", "entries of the bin", f"true class: {name}")
        if edges.size == 0:
            style.say(axes, _UNKNOWN)
            continue
        axes.set_xlim(edges[0], edges[-1])
        if not np.any(known & (labels == true_class)):
            style.say(axes, "no entries")
            continue
        for index, (what, decided) in enumerate((("right", right), ("wrong", ~right))):
            mine = known & decided & (labels == true_class)
            counts = np.bincount(bin_index(energies[mine], edges), minlength=len(edges) - 1)
            look = {"color": style.colour(index), "linestyle": style.line_style(index), "linewidth": 1.8}
            axes.stairs(counts, edges, **look, label=f"{what} ({counts.sum():,})")
        axes.set_yscale("log")
        axes.set_ylim(0.5, max(axes.get_ylim()[1], 12))
        axes.yaxis.set_minor_formatter(NullFormatter())
        style.show_legend(axes, "upper right")
    note = what_is_not_seen(energies, edges) if edges.size else ""
    all_axes[-1].set_xlabel(f"{energy_label}\n{note}".rstrip(), fontsize=12)
    return figure
