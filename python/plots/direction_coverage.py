"""Plots of whether densities of directions are true: shares inside their regions, and levels, overall and by energy.

Each function takes `python.metrics.coverage.DensityResults` of the same events by the names that are shown, returns one figure
and draws it also for few, one or no events.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from python.metrics.classification import ONE_SIGMA, binomial_interval
from python.metrics.coverage import DensityResults, coverage, coverage_error
from python.metrics.weighted import mean_estimate
from python.plots import style

GOAL = 0.02  # of the distance of a share inside from its level
_TWO_SIGMA = 0.9545
_LEVELS = np.linspace(0, 1, 101)
_BINS = 20
_LARGEST_SHOWN = 0.2


def plot_coverage(results: Mapping[str, DensityResults]) -> Figure:
    """How far the share of truths inside is from the level of the region, overall and in bins of the reconstructed energy, with
    what chance does to shares that are right (68 and 95 %).
    """
    figure = style.new_figure("Share of true directions inside the region of highest density, less its level")
    all_axes = style.panels(figure, 2, 3, share_x=True)
    groups = _groups(results)
    reach = max(_draw_panel(axes, name, some) for axes, (name, some) in zip(all_axes, groups.items(), strict=True))
    for axes in all_axes:
        axes.set(xlim=(0, 1), ylim=(-reach, reach))
    _finish(figure, all_axes)
    return figure


def plot_levels(results: Mapping[str, DensityResults]) -> Figure:
    """Histograms of the levels (PIT), flat where densities are true, overall and in bins of the reconstructed energy."""
    figure = style.new_figure("Probability of the smallest region that reaches the true direction")
    all_axes = style.panels(figure, 2, 3, share_x=True)
    edges = np.linspace(0, 1, _BINS + 1)
    for axes, (name, some) in zip(all_axes, _groups(results).items(), strict=True):
        n = _describe(axes, name, some, "events over the mean of a bin")
        axes.set_xlim(0, 1)
        if n == 0:
            continue
        low, high = binomial_interval(n / _BINS, n)
        axes.axhspan(float(low) * _BINS, float(high) * _BINS, color=style.GREY, alpha=0.25, label="chance, 68 %")
        for index, (label, each) in enumerate(some.items()):
            counts = np.histogram(each.level, edges)[0] * (_BINS / n)
            axes.stairs(counts, edges, color=style.colour(index), linestyle=style.line_style(1 - index), label=label)
        axes.set_ylim(bottom=0)
    _finish(figure, all_axes)
    return figure


def _groups(results: Mapping[str, DensityResults]) -> dict[str, dict[str, DensityResults]]:
    """All events, and those of each bin of energy, by what is written above their panel."""
    split = {label: {"all energies": each, **each.by_energy()} for label, each in results.items()}
    names = {name: name.replace("_to_", " to ").replace("_mev", " MeV") for each in split.values() for name in each}
    return {shown: {label: split[label][name] for label in split} for name, shown in names.items()}


def _draw_panel(axes: Axes, name: str, results: Mapping[str, DensityResults]) -> float:
    """Draw the shares of one group; return how far they reach from 0."""
    n = _describe(axes, name, results, "share inside - level")
    axes.axhline(0, color=style.GREY, linestyle=":", linewidth=1)
    for goal in (-GOAL, GOAL):
        axes.axhline(goal, color=style.GREY, linestyle="--", linewidth=0.8, label=f"± {GOAL}" if goal > 0 else "_")
    if n == 0:
        return GOAL
    for share, text, alpha in ((_TWO_SIGMA, "95 %", 0.18), (ONE_SIGMA, "68 %", 0.3)):
        low, high = binomial_interval(_LEVELS * n, np.full(len(_LEVELS), n), share)
        look = {"color": style.GREY, "alpha": alpha, "linewidth": 0}
        axes.fill_between(_LEVELS, low - _LEVELS, high - _LEVELS, **look, label=f"chance, {text}")
    largest = 3 * GOAL
    for index, (label, each) in enumerate(results.items()):
        apart = coverage(each.level, _LEVELS) - _LEVELS
        axes.plot(_LEVELS, apart, color=style.colour(index), linestyle=style.line_style(1 - index), label=label)
        error, likelihood = coverage_error(each.level), mean_estimate(-each.log_density, np.ones(n)).value
        told = "" if np.isnan(error) else f"worst {error:.3f}, "
        axes.text(
            *(0.03, 0.04 + 0.08 * (len(results) - 1 - index), f"{told}-log L {likelihood:.3f}"),
            transform=axes.transAxes,
            color=style.colour(index),
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1},
        )
        largest = max(largest, 1.25 * np.abs(apart).max())
    return float(min(largest, _LARGEST_SHOWN))


def _finish(figure: Figure, all_axes: list[Axes]) -> None:
    """One legend, and one name of the levels beneath each column."""
    for axes in all_axes[:3]:
        axes.set_xlabel("")
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=10)


def _describe(axes: Axes, name: str, results: Mapping[str, DensityResults], what: str) -> int:
    """Label a panel; return how many events it shows."""
    n = len(next(iter(results.values())))
    style.describe(axes, "level", what, f"{name}: {n:,} events")
    if n == 0:
        style.say(axes, "no events")
    return n
