"""How well directions are known against energy and against the angle to the drift, for one run or several.

Each function takes `python.metrics.directions.DirectionResults`, returns one figure and draws it also for few, one or no events.
Points sit at the weighted mean of their bin; error bars hold 68.27 %. Grey curves are the limits of `direction_limit`: what the
scattering of an electron of that true energy allows when head and tail are known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from python.metrics.direction_limit import intrinsic_limit, limit_range
from python.metrics.directions import (
    DRIFT_COSINE_EDGES,
    FINE_ENERGY_EDGES,
    DirectionBins,
    DirectionResults,
    direction_in_bins,
    direction_statistics,
)
from python.plots import style
from python.plots.directions import SHOWN_CONTAINMENTS, draw_estimates, in_degrees, in_percent

TRUE, RECONSTRUCTED = "true kinetic energy of the electron [MeV]", "reconstructed energy of the X cluster [MeV]"
_LARGEST_SHOWN_MEV = 70.0  # of the last bin, which has no upper end
_ANGLE_TICKS = (1, 2, 5, 10, 20, 30, 50, 90, 180)


# ---------------------------------------------------------------------------- one run
def plot_containment_vs_energy(results: DirectionResults, seed: int = 0) -> Figure:
    """Angles that hold 50, 68 and 90 % of the events against true and against reconstructed energy; beneath, the entries."""
    figure = style.new_figure("Containment angle against energy")
    all_axes = style.panels(figure, 2, 2, height_ratios=(8, 1), share_x=True)
    for column, (label, energies) in enumerate(_energies(results)):
        axes, strip = all_axes[column::2]
        bins = direction_in_bins(results, energies, FINE_ENERGY_EDGES, seed)
        style.describe(axes, "", "opening angle [°]")
        for index, percent in enumerate(SHOWN_CONTAINMENTS):
            found = bins.estimates[f"containment_{percent}_deg"]
            draw_estimates(axes, index, bins.mean, found, f"{percent} %", line=True)
        _finish(axes, strip, label, bins, energies)
    _draw_limits(all_axes[0])
    _scale_angles(all_axes[:2])
    _legend_below(figure, all_axes[0])
    return figure


def plot_head_tail_vs_energy(results: DirectionResults, seed: int = 0) -> Figure:
    """Share of events with head and tail right, and the 68 % angle of the axis alone, against true and reconstructed energy."""
    figure = style.new_figure("Head-tail and axis against energy")
    all_axes = style.panels(figure, 3, 2, height_ratios=(4, 4, 1), share_x=True)
    for column, (label, energies) in enumerate(_energies(results)):
        head, axis, strip = all_axes[column::2]
        bins = direction_in_bins(results, energies, FINE_ENERGY_EDGES, seed)
        _draw_head_tail(head, 0, bins)
        style.describe(axis, "", "angle between axes [°]")
        draw_estimates(axis, 0, bins.mean, bins.estimates["axis_68_deg"], "68 % of the axes", line=True)
        _finish(axis, strip, label, bins, energies)
    _draw_limits(all_axes[2])
    _scale_head_tail(all_axes[:2])
    _scale_angles(all_axes[2:4])
    _legend_below(figure, all_axes[0], all_axes[2])
    return figure


def plot_against_drift_angle(results: DirectionResults, seed: int = 0) -> Figure:
    """Containment, axis and head-tail against the polar angle to the drift: 1 is along the drift, 0 along the wire planes."""
    figure = style.new_figure("Direction against the polar angle to the drift axis")
    angle, head, strip = style.panels(figure, 3, 1, height_ratios=(6, 4, 1), share_x=True)
    bins = direction_in_bins(results, results.drift_cosine, DRIFT_COSINE_EDGES, seed)
    style.describe(angle, "", "opening angle [°]")
    for index, percent in enumerate(SHOWN_CONTAINMENTS):
        draw_estimates(angle, index, bins.mean, bins.estimates[f"containment_{percent}_deg"], f"{percent} %", line=True)
    index = len(SHOWN_CONTAINMENTS)
    draw_estimates(angle, index, bins.mean, bins.estimates["axis_68_deg"], "68 %, axis alone", line=True)
    _draw_head_tail(head, 0, bins)
    _write_entries(strip, bins.entries, bins.edges, "|cos| of the angle between true direction and drift")
    angle.set_xlim(0, 1)
    _scale_angles([angle])
    _scale_head_tail([head])
    if not bins.entries.any():
        style.say(angle, "no events")
    _legend_below(figure, angle, head)
    return figure


# ---------------------------------------------------------------------------- several runs
def plot_energy_comparison(
    runs: Sequence[tuple[str, DirectionResults]], edges: Sequence[float] = FINE_ENERGY_EDGES, seed: int = 0
) -> Figure:
    """The 68 % angle, the median, the head-tail accuracy and the entries of named runs against true energy, on one footing."""
    figure = style.new_figure("Comparison of runs against energy")
    angle, median, head, entries = style.panels(figure, 2, 2)
    energies = np.concatenate([results.true_energy for _, results in runs]) if runs else np.empty(0)
    shown = _shown_edges(edges, energies)
    style.describe(angle, TRUE, "angle that holds 68 % [°]")
    style.describe(median, TRUE, "median angle [°]")
    style.describe(entries, TRUE, "entries")
    for index, (name, results) in enumerate(runs):
        bins = direction_in_bins(results, results.true_energy, edges, seed)
        draw_estimates(
            angle, index, bins.mean, bins.estimates["containment_68_deg"], _summary(name, results), line=True
        )
        draw_estimates(median, index, bins.mean, bins.estimates["median_deg"], line=True)
        _draw_head_tail(head, index, bins)
        look = {"color": style.colour(index), "linestyle": style.line_style(index)}
        entries.stairs(bins.entries, shown, **look, linewidth=1.8)
    _draw_limits(angle)
    head.set_xlabel(TRUE, fontsize=12)
    for axes in (angle, median, head, entries):
        _scale_energy(axes, edges, shown)
    _scale_angles([angle, median])
    _scale_head_tail([head])
    entries.set_ylim(bottom=0)
    if not np.any(energies >= edges[0]):
        style.say(entries, "no events of known energy")
    _legend_below(figure, angle, columns=1)
    return figure


def _summary(name: str, results: DirectionResults) -> str:
    total = direction_statistics(results)
    if np.isnan(total["containment_68_deg"].value):
        return f"{name}: no events"
    head_tail = in_percent(total["head_tail_accuracy"])
    return (
        f"{name}: 68 % within {in_degrees(total['containment_68_deg'])}, head-tail {head_tail}, {len(results):,} events"
    )


# ---------------------------------------------------------------------------- shared
def _energies(results: DirectionResults) -> list[tuple[str, np.ndarray]]:
    return [(TRUE, results.true_energy), (RECONSTRUCTED, results.reconstructed_energy)]


def _draw_head_tail(axes: Axes, index: int, bins: DirectionBins) -> None:
    style.describe(axes, "", "head-tail right")
    draw_estimates(axes, index, bins.mean, bins.estimates["head_tail_accuracy"], "right half of the sphere", line=True)


def _legend_below(figure: Figure, *all_axes: Axes, columns: int = 3) -> None:
    """One legend beneath the panels: within them it would cover points."""
    pairs = [axes.get_legend_handles_labels() for axes in all_axes]
    handles, labels = ([entry for pair in pairs for entry in pair[part]] for part in (0, 1))
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=10, frameon=False)


def _draw_limits(axes: Axes) -> None:
    energies = np.geomspace(*limit_range(), 50)
    for kind, line, error in (("realistic", "--", "2 mm"), ("physical", ":", "1 mm")):
        label = f"{kind} limit, 68 % (points known to {error})"
        axes.plot(energies, intrinsic_limit(energies, kind), color=style.GREY, linestyle=line, label=label)


def _scale_head_tail(all_axes: Sequence[Axes]) -> None:
    """From 0.4, or from 0 where an error bar reaches lower."""
    lowest = min(axes.dataLim.y0 for axes in all_axes)  # infinite where nothing is drawn
    for axes in all_axes:
        axes.axhline(0.5, color=style.GREY, linestyle=":", label="by chance")
        axes.set_ylim(0.4 if lowest >= 0.4 else -0.03, 1.03)


def _scale_angles(all_axes: Sequence[Axes]) -> None:
    """One logarithmic axis of angles for all: the 90 % of reversed events would press everything else to the ground.

    It starts no lower than at 4 degrees, which only bins of two or three events reach by chance.
    """
    lowest, highest = min(axes.dataLim.y0 for axes in all_axes), max(axes.dataLim.y1 for axes in all_axes)
    drawn = np.isfinite(lowest) and highest > 0
    low = np.clip(0.8 * lowest, 4, 20) if drawn else 5
    high = np.clip(1.2 * highest, 60, 190) if drawn else 190
    for axes in all_axes:
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        axes.set_yticks(_ANGLE_TICKS, [str(tick) for tick in _ANGLE_TICKS])
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_ylim(low, high)


def _scale_energy(axes: Axes, edges: Sequence[float] | np.ndarray, shown: np.ndarray) -> None:
    """Logarithmic where the bins allow it, with their edges as ticks."""
    if shown[0] > 0:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(shown, [f"{edge:g}" if np.isfinite(edge) else "" for edge in edges])
    axes.set_xlim(shown[0], shown[-1])


def _shown_edges(edges: Sequence[float] | np.ndarray, energies: np.ndarray) -> np.ndarray:
    """The edges with an end for a last bin that has none."""
    shown = np.array(edges, float)
    if np.isinf(shown[-1]):
        highest = np.max(energies[np.isfinite(energies)], initial=shown[-2] + 5)
        shown[-1] = min(highest, max(_LARGEST_SHOWN_MEV, shown[-2] + 20))
    return shown


def _finish(axes: Axes, strip: Axes, label: str, bins: DirectionBins, energies: np.ndarray) -> None:
    """Energy axis, entries, and how many events are not seen."""
    notes = []
    if below := np.count_nonzero(energies < bins.edges[0]):
        notes.append(f"below {bins.edges[0]:g} MeV, left out: {below:,}")
    if unknown := np.count_nonzero(np.isnan(energies)):
        notes.append(f"energy unknown: {unknown:,}")
    shown = _shown_edges(bins.edges, energies)
    _write_entries(strip, bins.entries, shown, "\n".join([label, "; ".join(notes)]).rstrip())
    _scale_energy(axes, bins.edges, shown)
    if not bins.entries.any():
        left_out = np.isfinite(energies).any()
        style.say(axes, f"no events above {bins.edges[0]:g} MeV" if left_out else "no events of known energy")


def _write_entries(strip: Axes, entries: np.ndarray, shown: np.ndarray, label: str) -> None:
    style.describe(strip, label, "entries")
    strip.set(yticks=[], ylim=(-1, 1))
    centres = np.sqrt(shown[1:] * shown[:-1]) if shown[0] > 0 else (shown[1:] + shown[:-1]) / 2
    for centre, count in zip(centres, entries, strict=True):
        strip.text(centre, 0, f"{count:,}", ha="center", va="center", fontsize=9, color=style.colour(0))
