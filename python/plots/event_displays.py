"""Events in their three planes with true and predicted direction: the best and the worst of a test part."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from python.detector.geometry import PITCH_CM, PLANES, TICK_CM
from python.metrics.directions import DirectionResults
from python.metrics.principal_axis import project
from python.plots import style
from python.plots.images import draw_image

_EXAMPLES = 4  # best, and as many worst
_WIDTH_CM, _HEIGHT_CM = 6.6, 10.4  # of a panel
_ARROW_CM = 3.2  # length in space; in a plane it is that of the projection, so that no head leaves its panel
_LOOKS = {
    "predicted": (style.PALETTE[1], 3.0),
    "true": ("#000000", 1.0),
}  # colour and width: the lower one is not hidden


def plot_best_and_worst_events(
    images_of: Callable[[np.ndarray], Mapping[str, ArrayLike]], results: DirectionResults, lowest_energy: float = 0.0
) -> Figure:
    """The four events with the smallest opening angle and the four with the largest: a column each, planes U, V, X below.

    `images_of` gives, for indices (n,) of events, a dictionary of the images of the planes that there are, "u", "v", "x", each
    (n, H, W) or (n, H, W, 1) in ADC, drift frame; it is called once. Arrows are 3.2 cm long in space, drawn as each plane
    sees them, from the centre of the charge; panels have the same scale in cm on both axes. Events of a known true energy below
    `lowest_energy` in MeV are left out.
    """
    eligible = np.flatnonzero(~(results.true_energy < lowest_energy))
    order = eligible[np.argsort(results.angle[eligible], kind="stable")]
    n_best = min(_EXAMPLES, (len(order) + 1) // 2)  # none in both halves
    n_worst = min(_EXAMPLES, len(order) - n_best)
    best, worst = order[:n_best], order[::-1][:n_worst]
    figure = style.new_figure(
        "Best (left, blue) and worst directions (right, orange)\nabove each: opening angle, true energy"
    )
    all_axes = np.reshape(style.panels(figure, len(PLANES), 2 * _EXAMPLES), (len(PLANES), -1))
    columns = [*range(n_best), *range(_EXAMPLES, _EXAMPLES + n_worst)]
    chosen = np.concatenate([best, worst])
    images = {name: np.asarray(values) for name, values in images_of(chosen).items()} if len(chosen) else {}
    scales = {name: _scale(values) for name, values in images.items()}
    for place, column in enumerate(columns):
        index = int(chosen[place])
        for row, name in enumerate(PLANES):
            axes = all_axes[row, column]
            if name.lower() in images:
                image = images[name.lower()][place]
                _draw_plane(axes, image.reshape(image.shape[:2]), row, results, index, scales[name.lower()])
            else:
                _leave_empty(axes)
        energy = results.true_energy[index]
        text = f"{results.angle[index]:.1f}°\n" + (f"{energy:.1f} MeV" if np.isfinite(energy) else "energy ?")
        all_axes[0, column].set_title(text, fontsize=9, color=style.colour(int(column >= _EXAMPLES)))
    for column in set(range(2 * _EXAMPLES)) - set(columns):
        for axes in all_axes[:, column]:
            _leave_empty(axes)
    if len(chosen) == 0:
        style.say(all_axes[1, _EXAMPLES], "no events")
    for row, name in enumerate(PLANES):
        all_axes[row, 0].set_ylabel(name, fontsize=12, rotation=0, labelpad=10)
    for axes in all_axes[-1, columns]:
        axes.set_xlabel("channel", fontsize=9)
    figure.supylabel("drift time [ticks]", fontsize=11)
    handles = [Line2D([], [], color=colour, linewidth=width) for colour, width in _LOOKS.values()]
    figure.legend(handles, [f"{name} direction" for name in _LOOKS], loc="outside lower center", ncols=2, frameon=False)
    return figure


def _draw_plane(
    axes: Axes, image: np.ndarray, plane: int, results: DirectionResults, index: int, scale: Normalize
) -> None:
    draw_image(axes, image, scale)
    row, column = _centre(image)
    height, width = _HEIGHT_CM / TICK_CM / 2, _WIDTH_CM / PITCH_CM[plane] / 2
    directions = {"true": results.truth[index], "predicted": results.predicted[index]}
    for name, (colour, line_width) in _LOOKS.items():
        drift, across = project(_ARROW_CM * directions[name])
        axes.annotate(
            "",
            xytext=(column, row),
            xy=(column + across[plane] / PITCH_CM[plane], row + drift / TICK_CM),
            arrowprops={"arrowstyle": "->", "color": colour, "linewidth": line_width, "shrinkA": 0, "shrinkB": 0},
        )
    axes.set(xlim=(column - width, column + width), ylim=(row - height, row + height))
    axes.set_aspect(TICK_CM / PITCH_CM[plane])  # angles look as they are
    axes.tick_params(labelsize=7)
    axes.locator_params(nbins=3)


def _centre(image: np.ndarray) -> tuple[float, float]:
    """Row and column with half of the charge on either side; the middle of an empty image."""
    charge = np.maximum(image, 0)
    if not charge.any():
        return (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2
    row, column = (float(np.searchsorted(np.cumsum(sums), sums.sum() / 2)) for sums in (charge.sum(1), charge.sum(0)))
    return row, column


def _scale(images: np.ndarray) -> Normalize:
    charged = images[images != 0]
    return Normalize(0, float(np.percentile(charged, 99.5)) if charged.size else 1.0)


def _leave_empty(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
