"""What a network looks at: how much each plane matters, and which parts of a sample its answer depends on.

A `Part` is what a network sees of one plane of a sample: an image (H, W), ticks in rows, or points (P, 3), their places across
the wires and along the drift in cm and their charge. `occlusion` is how much the answer changes where a pixel or point is hidden,
NaN where none was; `saliency` is the gradient of the answer by it, None where there is none to be had. Both are (H, W) or (P,).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from python.detector.geometry import PLANES
from python.metrics.classification import Estimate
from python.plots import style
from python.plots.images import draw_image

_MARGIN = 0.1  # of what is charged, beside it
_LEAST_MARGIN = 3  # pixels
_NEAR_CM = 4.0  # about the points of the cluster itself
_GRADIENT = "norm of the gradient"


@dataclass(frozen=True)
class Part:
    """What is seen of one plane, and what it does to the answer; of points `near` (P,) are those of the cluster itself."""

    plane: str
    seen: np.ndarray
    occlusion: np.ndarray
    saliency: np.ndarray | None
    near: np.ndarray | None = None


# ---------------------------------------------------------------------------- planes
def plot_planes_that_matter(
    merit: str, values: Mapping[str, Estimate], changes: Mapping[str, Estimate], n_samples: int
) -> Figure:
    """The merit where every plane is seen ("") and where each is hidden, and the change that this makes, with intervals."""
    figure = style.new_figure(f"Which plane matters ({n_samples:,} samples)")
    left, right = style.panels(figure, 1, 2)
    _draw_bars(left, values)
    style.describe(left, "hidden plane", merit)
    _draw_bars(right, changes)
    right.axhline(0, color=style.GREY, linewidth=1)
    style.describe(right, "hidden plane", f"change of {merit}")
    if not changes:
        style.say(right, "the network sees no plane by itself")
    return figure


def _draw_bars(axes: Axes, values: Mapping[str, Estimate]) -> None:
    for index, (plane, estimate) in enumerate(values.items()):
        errors = np.nan_to_num(style.error_bars(estimate))
        look = {"color": style.colour(PLANES.index(plane)) if plane else style.GREY, "alpha": 0.85}
        axes.bar([index], [estimate.value], yerr=np.maximum(errors, 0), capsize=4, width=0.6, **look)
        text = f"{estimate.value:.3g}"
        axes.annotate(text, (index, max(estimate.value, 0)), (14, 3), textcoords="offset points", fontsize=10)
    axes.set_xticks(range(len(values)), [plane or "nothing" for plane in values])
    axes.margins(x=0.12, y=0.12)


# ---------------------------------------------------------------------------- samples
@dataclass(frozen=True)
class Change:
    """What hiding changes, in words; whether it can be less than 0; and the least that has a colour of its own."""

    words: str
    signed: bool
    least: float


class _Row(NamedTuple):
    """A row of panels: what it shows in words, and how, by which colours, and what these tell."""

    words: str
    draw: Callable[[Axes, Part], None]
    colours: ScalarMappable | None = None
    meaning: str = ""


def plot_sample_explained(title: str, parts: Sequence[Part], change: Change) -> Figure:
    """One sample: a column for each of its `parts`, at least one; what is seen, what hiding it changes, and the gradient."""
    figure = style.new_figure(title)
    of_points = parts[0].near is not None
    rows = _rows_of_points(parts, change) if of_points else _rows_of_images(parts, change)
    grid = np.reshape(style.panels(figure, len(rows), len(parts)), (len(rows), len(parts)))
    for row, all_axes in zip(rows, grid, strict=True):
        for axes, part in zip(all_axes, parts, strict=True):
            row.draw(axes, part)
            axes.tick_params(labelsize=8)
        all_axes[0].set_ylabel(row.words, fontsize=10)
        if row.colours is not None:
            bar = figure.colorbar(row.colours, ax=list(all_axes), fraction=0.03, pad=0.01)
            bar.set_label(row.meaning, fontsize=9)
    for axes, part in zip(grid[0], parts, strict=True):
        axes.set_title(f"plane {part.plane}", fontsize=12)
    figure.supxlabel("across the wires [cm]" if of_points else "channel", fontsize=11)
    figure.supylabel("along the drift [cm]" if of_points else "drift time [ticks]", fontsize=11)
    return figure


def _colours_of_change(parts: Sequence[Part], change: Change) -> ScalarMappable:
    largest = max([change.least, *(float(np.nanmax(np.abs(part.occlusion), initial=0)) for part in parts)])
    if change.signed:
        return ScalarMappable(Normalize(-largest, largest), "RdBu_r")
    return ScalarMappable(Normalize(0, largest), "viridis_r")


def _colours_of_gradient(parts: Sequence[Part]) -> ScalarMappable | None:
    """None where there are no gradients."""
    known = [float(part.saliency.max(initial=0)) for part in parts if part.saliency is not None]
    return ScalarMappable(Normalize(0, max(known) or 1), "magma_r") if known else None


# ---------------------------------------------------------------------------- images
def _rows_of_images(parts: Sequence[Part], change: Change) -> list[_Row]:
    hidden, gradient = _colours_of_change(parts, change), _colours_of_gradient(parts)
    rows = [
        _Row("charge", _draw_charge),
        _Row("hidden", lambda axes, part: _draw_pixels(axes, part, part.occlusion, hidden), hidden, change.words),
    ]
    if gradient is not None:
        rows.append(
            _Row("gradient", lambda axes, part: _draw_pixels(axes, part, part.saliency, gradient), gradient, _GRADIENT)
        )
    return rows


def _draw_charge(axes: Axes, part: Part) -> None:
    draw_image(axes, part.seen, Normalize(0, max(float(part.seen.max(initial=0)), 1)))
    _zoom(axes, part.seen)


def _draw_pixels(axes: Axes, part: Part, values: np.ndarray | None, colours: ScalarMappable) -> None:
    if values is None:
        return
    height, width = values.shape
    axes.imshow(
        np.ma.masked_invalid(values),
        cmap=colours.cmap,
        norm=colours.norm,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, width - 0.5, -0.5, height - 0.5),
    )
    _zoom(axes, part.seen)


def _zoom(axes: Axes, image: np.ndarray) -> None:
    """To what is charged, and a margin."""
    for set_limits, charged, size in (
        (axes.set_ylim, np.flatnonzero(image.any(axis=1)), image.shape[0]),
        (axes.set_xlim, np.flatnonzero(image.any(axis=0)), image.shape[1]),
    ):
        if charged.size:
            margin = max(_MARGIN * (charged[-1] - charged[0]), _LEAST_MARGIN)
            set_limits(max(charged[0] - margin, -0.5), min(charged[-1] + margin, size - 0.5))


# ---------------------------------------------------------------------------- points
def _rows_of_points(parts: Sequence[Part], change: Change) -> list[_Row]:
    hidden, gradient = _colours_of_change(parts, change), _colours_of_gradient(parts)
    reach = 1.05 * max([1.0, *(float(np.abs(part.seen[:, :2]).max(initial=0)) for part in parts)])

    def everything(axes: Axes, part: Part) -> None:
        _draw_points(axes, part, part.occlusion, hidden)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach))

    def near(values: Callable[[Part], np.ndarray | None], colours: ScalarMappable) -> Callable[[Axes, Part], None]:
        def draw(axes: Axes, part: Part) -> None:
            _draw_points(axes, part, values(part), colours)
            mine = part.seen[part.near, :2] if np.any(part.near) else np.zeros((1, 2))
            (left, bottom), (right, top) = mine.min(axis=0) - _NEAR_CM, mine.max(axis=0) + _NEAR_CM
            axes.set(xlim=(left, right), ylim=(bottom, top))

        return draw

    rows = [
        _Row("hidden, all points", everything, hidden, change.words),
        _Row("hidden, near the cluster", near(lambda part: part.occlusion, hidden), hidden, change.words),
    ]
    if gradient is not None:
        rows.append(_Row("gradient, near the cluster", near(lambda part: part.saliency, gradient), gradient, _GRADIENT))
    return rows


def _draw_points(axes: Axes, part: Part, values: np.ndarray | None, colours: ScalarMappable) -> None:
    if len(part.seen) == 0 or values is None:
        style.say(axes, "no points")
        return
    across, along, charge = part.seen.T
    size = 8 + 60 * np.sqrt(np.maximum(charge, 0) / max(float(charge.max()), 1e-9))
    order = np.argsort(np.abs(np.nan_to_num(values)))  # what matters most on top
    axes.scatter(
        across[order],
        along[order],
        s=size[order],
        c=values[order],
        cmap=colours.cmap,
        norm=colours.norm,
        edgecolors=style.GREY,
        linewidths=0.4,
    )
