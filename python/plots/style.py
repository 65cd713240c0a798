"""The one look of all plots: sizes, colours, axes. Figures are plain objects, unknown to pyplot, and draw without a display."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from python.metrics.classification import Estimate

PAGE_SIZE = (11.69, 8.27)  # inches, A4 landscape: a page of the report
FIGURE_SIZE = (10.4, 7.2)  # a page less its margins
PNG_DPI = 150

# Okabe and Ito, "Color Universal Design" (2008): told apart with every kind of colour vision
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#666666"


def colour(index: int) -> str:
    return PALETTE[index % len(PALETTE)]


def line_style(index: int) -> str:
    return LINE_STYLES[index % len(LINE_STYLES)]


def marker(index: int) -> str:
    return MARKERS[index % len(MARKERS)]


def adc_colours() -> Colormap:
    """Perceptually uniform, darker for more charge; masked pixels (no charge) are white."""
    return colormaps["viridis_r"].with_extremes(bad="white")


def new_figure(title: str) -> Figure:
    figure = Figure(figsize=FIGURE_SIZE, layout="constrained")
    figure.suptitle(title, fontsize=14)
    return figure


def panels(
    figure: Figure, rows: int = 1, columns: int = 1, height_ratios: Sequence[float] | None = None, share_x: bool = False
) -> list[Axes]:
    """Panels of `figure`, row by row."""
    grid = figure.subplots(
        rows, columns, squeeze=False, sharex="col" if share_x else False, height_ratios=height_ratios
    )
    return list(np.ravel(grid))


def describe(axes: Axes, x_label: str, y_label: str, title: str = "") -> None:
    """Label the axes and draw the grid."""
    axes.set_xlabel(x_label, fontsize=12)
    axes.set_ylabel(y_label, fontsize=12)
    axes.set_title(title, fontsize=12)
    axes.tick_params(labelsize=11)
    axes.grid(visible=True, color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)


def show_legend(axes: Axes, location: str = "best") -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc=location, fontsize=10, framealpha=0.9)


def error_bars(found: Estimate) -> list[list[float]]:
    """Lengths below and above a value, as Matplotlib takes them for one point."""
    return [[found.value - found.low], [found.high - found.value]]


def say(axes: Axes, message: str) -> None:
    """State in the middle of empty axes why they are empty."""
    axes.text(0.5, 0.5, message, transform=axes.transAxes, ha="center", va="center", fontsize=12, color=GREY)


def show_fraction_axis(axes: Axes, along: str = "y") -> None:
    """Limits of an axis that holds fractions, with room for markers at 0 and 1."""
    axes.set(**{f"{along}lim": (-0.03, 1.03)})
