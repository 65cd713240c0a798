"""ES efficiency against CC rejection of several selections, as in `python.metrics.rejection`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from python.metrics.rejection import Tracks
from python.plots import style


def plot_efficiency_vs_rejection(
    tracks: Tracks, scores: Mapping[str, np.ndarray], decided: Mapping[str, np.ndarray]
) -> Figure:
    """A curve for each of the named scores (N,) that a cut goes through; what is `decided` to be kept, masks (N,), are points."""
    figure = style.new_figure("ES efficiency against CC rejection")
    axes = style.panels(figure)[0]
    style.describe(
        axes,
        "CC rejection: clusters of CC events that are no main track and are left out",
        "ES efficiency: main tracks of ES events that are kept",
    )
    style.show_fraction_axis(axes)
    style.show_fraction_axis(axes, "x")
    either = tracks.wanted | tracks.unwanted
    if not (tracks.wanted.any() and tracks.unwanted.any()):
        style.say(axes, "needs main tracks of ES events and other clusters of CC events")
        return figure
    for index, (name, score) in enumerate(scores.items()):
        kept_cc, kept_es, _ = roc_curve(tracks.wanted[either], score[either], drop_intermediate=True)
        axes.plot(
            1 - kept_cc, kept_es, color=style.colour(index), linestyle=style.line_style(index), label=f"{name}: any cut"
        )
    for index, (name, kept) in enumerate(decided.items()):
        efficiency, rejection = tracks.efficiency(kept), tracks.rejection(kept)
        axes.errorbar(
            [rejection.value],
            [efficiency.value],
            xerr=style.error_bars(rejection),
            yerr=style.error_bars(efficiency),
            color=style.colour(index),
            marker=style.marker(index),
            markersize=8,
            linestyle="none",
            capsize=3,
            label=f"{name}: efficiency {efficiency.value:.4f}, rejection {rejection.value:.4f}",
        )
    style.show_legend(axes, "lower left")
    return figure
