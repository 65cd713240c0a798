"""Where directions go wrong: the opening angle over the true directions, and over energy and angle together.

Each function takes `python.metrics.directions.DirectionResults`, returns one figure and draws it also for few, one or no events.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import NullLocator

from python.metrics.binning import bin_index
from python.metrics.directions import DirectionResults
from python.metrics.weighted import weighted_quantiles
from python.plots import style
from python.plots.directions_by_energy import RECONSTRUCTED, TRUE

_CELLS = ((6, 12), (4, 8), (2, 4), (1, 2))  # in cos theta and phi: all see the same solid angle
_EVENTS_PER_CELL = 12
_LEAST_IN_CELL = 5  # of fewer a median says nothing
_ANGLE_EDGES = np.concatenate([np.arange(0, 60, 5), np.arange(60, 181, 10)])
_COLUMNS = 16  # of energy
_TICKS_MEV = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100)
_SHOWN_MEV = (1, 99)  # percentiles that the axis holds
_DOTS_AT_MOST = 500
_LINES = {50: "median", 68: "68 % within"}


def plot_error_map(results: DirectionResults) -> Figure:
    """Median opening angle and share of events in the right half of the sphere, over the true direction in the drift frame.

    Theta is the angle to the drift x', phi that from z' towards y' in the plane of the wires. Cells are as small as leaves 12
    events in each on average; those of fewer than 5 are white.
    """
    figure = style.new_figure(f"Direction error over true directions ({len(results):,} events)")
    enough = (cells for cells in _CELLS if len(results) >= _EVENTS_PER_CELL * cells[0] * cells[1])
    rows, columns = next(enough, _CELLS[-1])
    cosine, phi = results.truth[:, 0], np.degrees(np.arctan2(results.truth[:, 1], results.truth[:, 2]))
    edges = np.linspace(-1, 1, rows + 1), np.linspace(-180, 180, columns + 1)
    number = bin_index(cosine, edges[0]) * columns + bin_index(phi, edges[1])
    median, right = np.full((2, rows * columns), np.nan)
    for each in range(rows * columns):
        mine = (number == each) & (results.weight > 0)
        if np.count_nonzero(mine) >= _LEAST_IN_CELL:
            median[each] = weighted_quantiles(results.angle[mine], results.weight[mine], [0.5])[0]
            right[each] = np.average(results.cosine[mine] > 0, weights=results.weight[mine])
    looks = (  # darker is worse in both
        ("median opening angle [°]", Normalize(0, max(np.nanmax(median, initial=0), 1)), "viridis_r", "{:.0f}"),
        ("share in the right half of the sphere", Normalize(0.5, 1), "viridis", "{:.2f}"),
    )
    for axes, values, (name, scale, colours, form) in zip(
        style.panels(figure, 2, 1), (median, right), looks, strict=True
    ):
        mesh = axes.pcolormesh(
            edges[1],
            edges[0],
            np.ma.masked_invalid(values.reshape(rows, columns)),
            cmap=colours,
            norm=scale,
            rasterized=True,
        )
        _write_values(axes, edges, values.reshape(rows, columns), form)
        figure.colorbar(mesh, ax=axes, label=name)
        style.describe(axes, "φ of the true direction, from z' towards y' [°]", "cos θ to the drift x'")
        axes.grid(visible=False)
        axes.set_xticks(range(-180, 181, 60))
        if np.isnan(values).all():
            style.say(axes, "too few events")
    return figure


def _write_values(axes: Axes, edges: tuple[np.ndarray, np.ndarray], values: np.ndarray, form: str) -> None:
    """Each known value (R, C) into the middle of its cell."""
    cosine, phi = ((each[1:] + each[:-1]) / 2 for each in edges)
    for row, column in zip(*np.nonzero(np.isfinite(values)), strict=True):
        text = axes.text(
            phi[column], cosine[row], form.format(values[row, column]), ha="center", va="center", fontsize=9
        )
        text.set_path_effects([withStroke(linewidth=2, foreground="white")])


def plot_error_over_energy(results: DirectionResults) -> Figure:
    """How opening angles are spread at each true and reconstructed energy: each column of cells adds up to one.

    Lines are the median and the angle that holds 68 % of a column.
    """
    figure = style.new_figure(f"Opening angle over energy ({len(results):,} events)")
    all_axes = style.panels(figure, 2, 1)
    for axes, label, energies in zip(
        all_axes, (TRUE, RECONSTRUCTED), (results.true_energy, results.reconstructed_energy), strict=True
    ):
        style.describe(axes, label, "opening angle [°]")
        axes.set(ylim=(0, 180), yticks=range(0, 181, 30))
        known = np.isfinite(energies) & (energies > 0) & (results.weight > 0)
        if not known.any():
            style.say(axes, "no events of known energy")
            continue
        low, high = (float(end) for end in np.percentile(energies[known], _SHOWN_MEV))
        axes.set_xscale("log")
        high = max(high, 1.01 * low)
        axes.set_xlim(low, high)
        ticks = [tick for tick in _TICKS_MEV if low <= tick <= high]
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
        mesh = _draw_spread(axes, results.select(known), energies[known], np.geomspace(low, high, _COLUMNS + 1))
        if mesh is not None:
            figure.colorbar(mesh, ax=axes, label="share of the column, per degree")
    style.show_legend(all_axes[0], "upper right")
    return figure


def _draw_spread(axes: Axes, results: DirectionResults, energies: np.ndarray, edges: np.ndarray):
    """Cells of energy and angle, or dots of few events, and the lines of each column; the cells, where there are any."""
    if len(results) <= _DOTS_AT_MOST:
        axes.plot(energies, results.angle, ".", color=style.colour(0), markersize=4, alpha=0.5)
        return None
    counts = np.histogram2d(energies, results.angle, [edges, _ANGLE_EDGES], weights=results.weight)[0]
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total * np.diff(_ANGLE_EDGES), out=np.zeros_like(counts), where=total > 0)
    mesh = axes.pcolormesh(edges, _ANGLE_EDGES, np.ma.masked_equal(shares.T, 0), cmap="viridis_r", rasterized=True)
    column = np.searchsorted(edges, energies, side="right") - 1
    filled = [each for each in range(len(edges) - 1) if np.count_nonzero(column == each) >= _LEAST_IN_CELL]
    levels = np.array(list(_LINES)) / 100
    found = [
        weighted_quantiles(results.angle[column == each], results.weight[column == each], levels) for each in filled
    ]
    centres = np.sqrt(edges[1:] * edges[:-1])[filled]
    for index, (line, name) in enumerate(zip(np.reshape(found, (-1, len(_LINES))).T, _LINES.values(), strict=True)):
        look = {"color": "black", "linestyle": style.line_style(index), "marker": style.marker(index)}
        axes.plot(centres, line, **look, markersize=4, linewidth=1.2, label=name)
    return mesh
