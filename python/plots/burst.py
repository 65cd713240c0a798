"""What a burst's direction was found from: its candidates by energy and by time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from python.plots import style

_ENERGY_BINS = np.concatenate([np.arange(0.0, 30.0, 1.0), np.arange(30.0, 72.0, 2.0)])
_SHOWN = {"es": "elastic scattering", "cc": "charged current", "other": "no neutrino's electron"}


def energy_and_time_figure(energy: np.ndarray, seconds: np.ndarray, shares: Mapping[str, np.ndarray]) -> Figure:
    """Candidates (N,) by reconstructed energy in MeV and by time in seconds, NaN where it is not known, each divided among the
    classes by its `shares` (N,)."""
    figure = style.new_figure("What the direction was found from")
    by_energy, by_time = style.panels(figure, 1, 2)
    style.describe(by_energy, "reconstructed energy [MeV]", "candidates a MeV")
    _stacked(by_energy, energy, _ENERGY_BINS, shares)
    by_energy.set_yscale("symlog", linthresh=1)
    style.show_legend(by_energy, "upper right")
    style.describe(by_time, "time [s]", "candidates a second")
    known = np.isfinite(seconds)
    if not known.any():
        style.say(by_time, "no times are recorded")
        return figure
    first, last = float(seconds[known].min()), float(seconds[known].max())
    edges = np.linspace(first, max(last, first + 1e-3), 41)
    _stacked(by_time, seconds, edges, shares)
    return figure


def _stacked(axes: Axes, values: np.ndarray, edges: np.ndarray, shares: Mapping[str, np.ndarray]) -> None:
    bottom = np.zeros(len(edges) - 1)
    for number, (name, share) in enumerate(shares.items()):
        counts = np.histogram(np.nan_to_num(values, nan=-1.0), edges, weights=share)[0] / np.diff(edges)
        axes.stairs(bottom + counts, edges, baseline=bottom, fill=True, color=style.colour(number), alpha=0.85,
                    label=f"{_SHOWN.get(name, name)}: {share.sum():.0f}")  # fmt: skip
        bottom = bottom + counts
    axes.set_ylim(bottom=0)
