"""Likelihood tables beside the events: densities by bins of energy, angles against energy, and whether held-out events agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from python.plots import style

LEVELS = (0.68, 0.9)
_BIN_DEG = 4
_SHOWN_DEG = 100  # on a linear scale, where few events are beyond
_MOST_OFF = 0.15  # of a share of events; what is further off leaves the panel
_SHARE_BINS = np.linspace(0, 1, 21)
_STEPS = np.linspace(0, 1, 101)  # of the level
_LEAST_SHOWN = 1e-3  # a steradian, on a logarithmic scale
_COLUMNS = 3  # of panels


@dataclass(frozen=True)
class Bin:
    """Events of a bin of energy: what they are called, their cosines (n,), and densities (C,) a steradian by estimator."""

    title: str
    cosine: np.ndarray
    densities: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Seen:
    """Angles in degrees that hold LEVELS of the events of bins: at the mean `energy` (B,) of each, which reaches from `low` to
    `high` (B,), `degrees` (L, B), between `least` and `most` (L, B) with 68 %."""

    energy: np.ndarray
    low: np.ndarray
    high: np.ndarray
    degrees: np.ndarray
    least: np.ndarray
    most: np.ndarray


def plot_densities(bins: Sequence[Bin], at: np.ndarray, what: str, logarithmic: bool) -> Figure:
    """The events and what the tables say, a panel for each bin; `at` (C,) are the cosines of the densities, `what` the angle."""
    figure = style.new_figure(f"Probability a steradian: {what}")
    edges = np.arange(0, 181, _BIN_DEG)
    area = -2 * np.pi * np.diff(np.cos(np.radians(edges)))
    for axes, each in zip(_panels(figure, len(bins)), bins, strict=True):
        counts = np.histogram(np.degrees(np.arccos(np.clip(each.cosine, -1, 1))), edges)[0]
        scale = 1 / (area * max(len(each.cosine), 1))
        for number, (name, density) in enumerate(each.densities.items()):
            axes.plot(np.degrees(np.arccos(at)), density, **_look(number), label=_words(name))
        there = counts > 0
        look = {"fmt": ".", "color": "black", "markersize": 4, "elinewidth": 0.8, "label": "events fitted to"}
        middle = ((edges[1:] + edges[:-1]) / 2)[there]
        axes.errorbar(middle, (counts * scale)[there], (np.sqrt(counts) * scale)[there], **look)
        axes.set(xlim=(0, 180), xticks=range(0, 181, 30))
        if logarithmic:
            axes.set_yscale("log")
            axes.set_ylim(bottom=_LEAST_SHOWN)
        else:
            axes.set_ylim(bottom=0)
            if counts[edges[:-1] >= _SHOWN_DEG].sum() < counts.sum() / 4:
                axes.set(xlim=(0, _SHOWN_DEG), xticks=range(0, _SHOWN_DEG + 1, 20))
        style.describe(axes, "angle [°]", "probability / sr", f"{each.title}, {len(each.cosine):,} events")
    _show_legend(figure)
    return figure


def plot_cosines(cosine: np.ndarray, what: str) -> Figure:
    """The cosines (n,) of all events, with the line beyond which 68 % of them lie."""
    figure = style.new_figure(f"Cosine of the {what} ({len(cosine):,} events)")
    (axes,) = style.panels(figure)
    edges = np.linspace(-1, 1, 81)
    axes.hist(cosine, edges, color=style.colour(0), alpha=0.6)
    axes.axhline(len(cosine) / (len(edges) - 1), color=style.GREY, linestyle=":", label="directions at random")
    if len(cosine):
        reached = float(np.quantile(cosine, 1 - LEVELS[0]))
        angle = np.degrees(np.arccos(np.clip(reached, -1, 1)))
        label = f"68 % above {reached:.3f}: within {angle:.1f}°"
        axes.axvline(reached, color=style.colour(1), linestyle="--", label=label)
    axes.set_xlim(-1, 1)
    style.describe(axes, "cosine of the angle", f"events per {edges[1] - edges[0]:.3g}")
    style.show_legend(axes, "upper left")
    return figure


def plot_angles_against_energy(energy: np.ndarray, angles: Mapping[str, np.ndarray], seen: Seen, what: str) -> Figure:
    """The angles (L, E) in degrees that hold LEVELS by estimator, at the energies (E,) in MeV, and those of the events."""
    figure = style.new_figure(f"What holds 68 % and 90 %: {what}")
    for number, (axes, level) in enumerate(zip(style.panels(figure, 1, len(LEVELS)), LEVELS, strict=True)):
        for line, (name, found) in enumerate(angles.items()):
            axes.plot(energy, found[number], **_look(line), label=_words(name))
        middle = seen.degrees[number]
        axes.errorbar(
            seen.energy,
            middle,
            yerr=(middle - seen.least[number], seen.most[number] - middle),
            xerr=(seen.energy - seen.low, seen.high - seen.energy),
            fmt="o",
            color="black",
            label="events held out",
        )
        axes.set_xscale("log")
        ticks = [tick for tick in (1, 2, 5, 10, 20, 30, 50, 100, 200) if energy[0] <= tick <= energy[-1]]
        axes.set_xticks(ticks, map(str, ticks))
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        style.describe(axes, "energy [MeV]", "angle [°]", f"{100 * level:.0f} %")
    _show_legend(figure)
    return figure


def plot_probability_transforms(shares: Mapping[str, Mapping[str, np.ndarray]], what: str) -> Figure:
    """Histograms of the probabilities (n,) that tables give to angles no larger than those of held-out events, a panel for each
    title, by estimator. Where a table is right they are flat."""
    figure = style.new_figure(f"Held-out events, share of the density within: {what}")
    for axes, (title, by_estimator) in zip(_panels(figure, len(shares)), shares.items(), strict=True):
        n, cells = _number(by_estimator), len(_SHARE_BINS) - 1
        spread = np.sqrt(max(cells - 1, 0) / max(n, 1))
        axes.axhspan(1 - spread, 1 + spread, color=style.GREY, alpha=0.25, label="chance, 68 %")
        for number, (name, share) in enumerate(by_estimator.items()):
            heights = np.histogram(share, _SHARE_BINS)[0] * cells / max(n, 1)
            axes.stairs(heights, _SHARE_BINS, **_look(number), baseline=None, label=_words(name))
        style.describe(axes, "share within", "events / expected", f"{title}, {n:,} events")
        axes.set(xlim=(0, 1), ylim=(0, 2))
    _show_legend(figure)
    return figure


def plot_coverage(shares: Mapping[str, Mapping[str, np.ndarray]], what: str) -> Figure:
    """How many more events than it says lie within each level, of such shares. Where a table is right the lines stay at 0."""
    figure = style.new_figure(f"Held-out events, share of them within each level less the level: {what}")
    for axes, (title, by_estimator) in zip(_panels(figure, len(shares)), shares.items(), strict=True):
        n = _number(by_estimator)
        spread = np.sqrt(_STEPS * (1 - _STEPS) / max(n, 1))
        axes.fill_between(_STEPS, -spread, spread, color=style.GREY, alpha=0.25, label="chance, 68 %")
        for number, (name, share) in enumerate(by_estimator.items()):
            within = np.searchsorted(np.sort(share), _STEPS, side="right") / max(n, 1)
            axes.plot(_STEPS, within - _STEPS, **_look(number), label=_words(name))
        style.describe(axes, "level", "share - level", f"{title}, {n:,} events")
        axes.set(xlim=(0, 1), ylim=(-_MOST_OFF, _MOST_OFF))
    _show_legend(figure)
    return figure


def _show_legend(figure: Figure) -> None:
    """One for all panels, which say the same."""
    handles, labels = figure.axes[0].get_legend_handles_labels() if figure.axes else ([], [])
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=10)


def _look(number: int) -> dict[str, Any]:
    return {"color": style.colour(number), "linestyle": style.line_style(number)}


def _panels(figure: Figure, number: int) -> list[Axes]:
    """So many panels; those of the grid that are over are taken away."""
    columns = max(min(number, _COLUMNS), 1)
    there = style.panels(figure, max(-(-number // columns), 1), columns)
    for axes in there[number:]:
        axes.remove()
    return there[:number]


def _number(shares: Mapping[str, np.ndarray]) -> int:
    return max(map(len, shares.values()), default=0)


def _words(name: str) -> str:
    return name.replace("_", " ")
