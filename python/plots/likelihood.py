"""Likelihood tables beside the events: densities by bins of energy, angles against energy, and whether held-out events agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from python.plots import style

LEVELS = (0.68, 0.9)
_BINS = 40  # of the cosine
_LEAST_SHOWN = 1e-3  # a steradian, on a logarithmic scale


@dataclass(frozen=True)
class Bin:
    """Events of a bin of energy: what they are called, their cosines (n,), and densities (C,) a steradian by estimator."""

    title: str
    cosine: np.ndarray
    densities: Mapping[str, np.ndarray]


def plot_densities(bins: Sequence[Bin], at: np.ndarray, angle_from: str, logarithmic: bool) -> Figure:
    """Histograms of the events and what the tables say, a panel for each bin; `at` (C,) are the cosines of the densities."""
    figure = style.new_figure(f"Probability a steradian of the angle from the {angle_from}, by energy")
    columns = min(len(bins), 3)
    for axes, each in zip(style.panels(figure, -(-len(bins) // columns), columns), bins, strict=False):
        edges = np.linspace(-1, 1, _BINS + 1)
        counts = np.histogram(each.cosine, edges)[0]
        area = 2 * np.pi * np.diff(edges) * max(len(each.cosine), 1)
        axes.stairs(counts / area, edges, color=style.GREY, fill=True, alpha=0.35, label="events")
        for number, (name, density) in enumerate(each.densities.items()):
            axes.plot(at, density, color=style.colour(number), linestyle=style.line_style(number), label=_words(name))
        if logarithmic:
            axes.set_yscale("log")
            axes.set_ylim(bottom=_LEAST_SHOWN)
        style.describe(axes, "cosine of the angle", "probability / sr", f"{each.title}, {len(each.cosine)} events")
    style.show_legend(figure.axes[0], "upper left")
    return figure


def plot_cosines(cosine: np.ndarray, angle_from: str) -> Figure:
    """The cosines (n,) of all events, with the line beyond which 68 % of them lie."""
    figure = style.new_figure(f"Cosine of the angle from the {angle_from}")
    (axes,) = style.panels(figure)
    axes.hist(cosine, np.linspace(-1, 1, 81), color=style.colour(0), alpha=0.6)
    if len(cosine):
        reached = float(np.quantile(cosine, 1 - LEVELS[0]))
        angle = np.degrees(np.arccos(np.clip(reached, -1, 1)))
        axes.axvline(reached, color=style.colour(1), linestyle="--", label=f"68 % of the events within {angle:.1f}°")
        style.show_legend(axes, "upper left")
    style.describe(axes, "cosine of the angle", "events")
    return figure


def plot_angles_against_energy(
    energy: np.ndarray,
    angles: Mapping[str, np.ndarray],
    cosine: np.ndarray,
    of_events: np.ndarray,
    edges: Sequence[float],
) -> Figure:
    """The angles (len(LEVELS), E) that hold the LEVELS by estimator, at the energies (E,) in MeV, and those of the events.

    `cosine` and `of_events`, their energies, are (n,); `edges` are those of the bins of energy.
    """
    figure = style.new_figure("Angles that hold 68 % and 90 %, against energy")
    for number, (axes, level) in enumerate(zip(style.panels(figure, 1, len(LEVELS)), LEVELS, strict=True)):
        for line, (name, found) in enumerate(angles.items()):
            axes.plot(
                energy, found[number], color=style.colour(line), linestyle=style.line_style(line), label=_words(name)
            )
        for low, high in pairwise(edges):
            mine = (of_events >= low) & (of_events < high)
            if mine.sum() > 20:
                angle = np.degrees(np.arccos(np.clip(np.quantile(cosine[mine], 1 - level), -1, 1)))
                axes.plot(
                    np.mean(of_events[mine]), angle, "o", color="black", label="events" if low == edges[0] else None
                )
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        style.describe(axes, "energy [MeV]", "angle [°]", f"{level:.0%}")
    style.show_legend(figure.axes[0])
    return figure


def plot_agreement(shares: Mapping[str, np.ndarray]) -> Figure:
    """Probabilities (n,) that the tables give to angles no larger than those of held-out events, by estimator.

    Where the tables are right they are uniform: flat histograms, and as many events within each level as it says.
    """
    figure = style.new_figure("Held-out events: where they lie in what the tables say")
    left, right = style.panels(figure, 1, 2)
    levels = np.linspace(0, 1, 41)
    for number, (name, share) in enumerate(shares.items()):
        colour, line = style.colour(number), style.line_style(number)
        left.hist(share, np.linspace(0, 1, 21), density=True, histtype="step", color=colour, linestyle=line)
        within = np.array([np.mean(share <= level) for level in levels]) if len(share) else np.full(len(levels), np.nan)
        right.plot(levels, within - levels, color=colour, linestyle=line, label=_words(name))
    number = max((len(share) for share in shares.values()), default=0)
    _draw_band(right, levels, number)
    left.axhline(1, color=style.GREY, linewidth=1)
    style.describe(left, "share of the density within the event's angle", "events, relative")
    style.describe(right, "level", "share of events within, less the level")
    style.show_legend(right)
    return figure


def _draw_band(axes: Axes, levels: np.ndarray, number: int) -> None:
    """Where chance alone puts 68 % of such shares."""
    if number:
        spread = np.sqrt(levels * (1 - levels) / number)
        axes.fill_between(levels, -spread, spread, color=style.GREY, alpha=0.25, label="chance, 68 %")


def _words(name: str) -> str:
    return name.replace("_", " ")
