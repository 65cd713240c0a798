"""Plots of a channel tagger: ES efficiency against CC that pass and CC contamination, its cut against energy, its calibration.

Arguments as in `python.metrics.tagging`: `labels` (N,) are 0 for CC and 1 for ES, `scores` (N, 2) the probabilities of CC and ES,
`energies` (N,) in MeV, NaN where unknown. Each function returns one figure and draws it also for few, one or no events.
Error bars and bands hold 68.27 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike

from python.metrics.binning import bin_index, energy_bins
from python.metrics.classification import Estimate, check_classification, fraction
from python.metrics.tagging import (
    CC,
    CC_PER_ES,
    CC_SHARES,
    CLASSES,
    ES,
    es_efficiencies,
    es_efficiencies_passing,
    passing_cut,
    temperature_at_bound,
    with_temperature,
)
from python.plots import style
from python.plots.classifier import Positions, draw_calibration, draw_fractions, with_interval
from python.plots.classifier_by_energy import what_is_not_seen

_MARKED = tuple(CC_SHARES.values())
_LIMITS = np.sort(np.concatenate([np.geomspace(0.001, 1, 200), _MARKED]))
_NEEDS_BOTH = "needs both ES and CC events"
_SELECTED = (("ES", ES, "ES efficiency"), ("CC", CC, "CC leakage"))


# ---------------------------------------------------------------------------- efficiency
def plot_efficiency_vs_passing(labels: ArrayLike, scores: ArrayLike, seed: int = 0) -> Figure:
    """Greatest ES efficiency against the share of CC events that may pass the cut.

    Left of the dotted line not one CC event of the sample passes the cut: there the efficiency is too good.
    """
    labels, scores = check_classification(labels, scores, CLASSES)
    figure = style.new_figure("ES efficiency against CC that pass")
    axes = _efficiency_axes(figure, "CC events that pass the cut [%]")
    n_cc = np.count_nonzero(labels == CC)
    if n_cc in (0, len(labels)):
        style.say(axes, _NEEDS_BOTH)
        return figure
    _draw_efficiencies(axes, es_efficiencies_passing(labels, scores, _LIMITS, seed), "where {:g} % of CC pass")
    axes.axvline(100 / n_cc, color=style.GREY, linestyle=":", label="one CC event of the sample passes")
    axes.plot(100 * _LIMITS, _LIMITS, color=style.GREY, linestyle="--", linewidth=1.2, label="by chance")
    _show_legend_above(axes)
    return figure


def plot_efficiency_vs_contamination(
    labels: ArrayLike, scores: ArrayLike, cc_per_es: float = CC_PER_ES, seed: int = 0
) -> Figure:
    """Greatest ES efficiency against the share of CC allowed in the selected sample, of `cc_per_es` CC for each ES.

    Left of the dotted curve not one CC event of the sample passes the cut: there the efficiency is too good.
    """
    labels, scores = check_classification(labels, scores, CLASSES)
    figure = style.new_figure("ES efficiency against CC contamination")
    axes = _efficiency_axes(figure, f"CC in the selected sample [%], of {cc_per_es:g} CC for each ES")
    n_cc = np.count_nonzero(labels == CC)
    if n_cc in (0, len(labels)):
        style.say(axes, _NEEDS_BOTH)
        return figure
    _draw_efficiencies(axes, es_efficiencies(labels, scores, _LIMITS, cc_per_es, seed), "at {:g} % CC")
    efficiency = np.linspace(0, 1, 201)
    one_event = cc_per_es / n_cc
    axes.plot(
        100 * one_event / (efficiency + one_event),
        efficiency,
        color=style.GREY,
        linestyle=":",
        label="one CC event of the sample passes",
    )
    axes.axvline(
        100 * cc_per_es / (1 + cc_per_es), color=style.GREY, linestyle="--", linewidth=1.2, label="no cut, or by chance"
    )
    _show_legend_above(axes)
    return figure


def _efficiency_axes(figure: Figure, label: str) -> Axes:
    axes = style.panels(figure)[0]
    style.describe(axes, label, "ES efficiency")
    style.show_fraction_axis(axes)
    axes.set_xscale("log")
    axes.set_xlim(0.1, 100)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda percent, _: f"{percent:g}"))
    return axes


def _draw_efficiencies(axes: Axes, found: Sequence[Estimate], where: str) -> None:
    """The estimates at _LIMITS, those of _MARKED as points; `where` says in words what a percentage limits."""
    value, low, high = np.transpose(found)
    axes.fill_between(100 * _LIMITS, low, high, color=style.colour(0), alpha=0.2, linewidth=0, step="post")
    axes.step(100 * _LIMITS, value, where="post", color=style.colour(0))
    for index, limit in enumerate(_MARKED, start=1):
        at = found[int(np.searchsorted(_LIMITS, limit))]
        axes.errorbar(
            [100 * limit],
            [at.value],
            yerr=style.error_bars(at),
            color=style.colour(index),
            marker=style.marker(index),
            markersize=8,
            linestyle="none",
            capsize=3,
            label=f"{where.format(100 * limit)}: {with_interval(at)}",
        )


def _show_legend_above(axes: Axes) -> None:
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=10, frameon=False)


# ---------------------------------------------------------------------------- energy
def plot_selection_vs_energy(
    labels: ArrayLike,
    scores: ArrayLike,
    energies: ArrayLike,
    energy_label: str = "energy [MeV]",
    cc_passing: float = 0.04,
) -> Figure:
    """Shares of ES and of CC events that pass the cut which `cc_passing` of all CC pass, in bins of energy; beneath, the entries
    of each.

    The cut is one for all energies, chosen on this sample; the error bars are those of a fixed cut.
    """
    labels, scores = check_classification(labels, scores, CLASSES)
    energies = np.asarray(energies, dtype=np.float64)
    cut = passing_cut(labels, scores, cc_passing)
    known = np.isfinite(energies)
    edges = energy_bins(energies)
    figure = style.new_figure(f"Selection where {100 * cc_passing:g} % of CC pass, against energy")
    *shares, strip = style.panels(figure, 3, 1, height_ratios=(4, 4, 1.2), share_x=True)
    for axes, (_, _, quantity) in zip(shares, _SELECTED, strict=True):
        style.describe(axes, "", quantity)
    style.show_fraction_axis(shares[0])
    style.describe(strip, energy_label, "entries")
    strip.set_yticks(range(len(_SELECTED)), [name for name, _, _ in _SELECTED], fontsize=10)
    strip.set_ylim(len(_SELECTED) - 0.5, -0.5)
    strip.grid(visible=False)
    missing = _NEEDS_BOTH if np.isnan(cut.threshold) else "no event has a known energy" if edges.size == 0 else ""
    if missing:
        style.say(shares[0], missing)
        return figure
    at = Positions.of_bins(edges)
    passes = scores[:, ES] >= cut.threshold
    for index, (axes, (name, c, _)) in enumerate(zip(shares, _SELECTED, strict=True)):
        mine = known & (labels == c)
        bins = bin_index(energies[mine], edges)
        entries = np.bincount(bins, minlength=len(at.x))
        passed = np.bincount(bins, weights=passes[mine], minlength=len(at.x))
        total = fraction(int(passed.sum()), int(entries.sum()))
        label = f"{name}: {with_interval(total)}" if entries.any() else f"{name}: no entries"
        draw_fractions(axes, index, at, passed, entries, label)
        style.show_legend(axes)
        for centre, count in zip(at.x, entries, strict=True):
            strip.text(centre, index, f"{count:,}", ha="center", va="center", fontsize=9, color=style.colour(index))
    shares[0].set_xlim(edges[0], edges[-1])
    shares[1].set_ylim(bottom=-0.03 * shares[1].get_ylim()[1])
    strip.set_xlabel(f"{energy_label}\n{what_is_not_seen(energies, edges)}".rstrip(), fontsize=12)
    return figure


# ---------------------------------------------------------------------------- calibration
def plot_temperature_calibration(labels: ArrayLike, scores: ArrayLike, temperature: float) -> Figure:
    """How often an event with a given ES score is ES, before and after `with_temperature`, each with its calibration error."""
    labels, scores = check_classification(labels, scores, CLASSES)
    bound = ", the bound of its range: not told by the events" if temperature_at_bound(temperature) else ""
    figure = style.new_figure(f"Calibration before and after temperature {temperature:.3g}{bound}")
    axes, strip = style.panels(figure, 2, 1, height_ratios=(3, 1), share_x=True)
    strip.set_yscale("log")
    strip.set_ylim(0.5, 2 * max(len(labels), 5))
    for index, (when, shown) in enumerate((("before", scores), ("after", with_temperature(scores, temperature)))):
        draw_calibration((axes, strip), index, labels == ES, shown[:, ES], when)
    axes.plot([0, 1], [0, 1], color=style.GREY, linestyle=":", label="calibrated")
    style.describe(axes, "", "fraction of ES")
    style.show_fraction_axis(axes)
    style.show_legend(axes, "upper left")
    style.describe(strip, "score of ES (mean of the bin)", "entries")
    return figure
