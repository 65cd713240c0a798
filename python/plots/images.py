"""Detector images: rows are drift time (ticks, upwards), columns are channels, pixels without charge are white.

Clusters are outlined where their boxes are given: for each image an array (B, 5) of first row, last row, first column and last
column, borders included, and 1 for the main cluster, else 0 (`python.data.blips.boxes_of` makes them of volumes).
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from python.metrics.classification import check_classification, decisions
from python.plots import style

# Rows and columns that a panel of a grid, and a page, have dots for: with more, single hits would vanish.
_SHOWN_IN_GRID = (250, 110)
_SHOWN_ON_PAGE = (650, 400)
MAX_SAMPLES_ON_A_PAGE = 24
_EXAMPLES = 4
_SMALL_PAGE = (4.0, 5.0)  # inches
_SMALL_PAGE_OF_VOLUME = (6.0, 6.0)  # a volume is about as wide as high
_WIDE_IMAGE = 100  # columns from which on fewer panels stand side by side
_OUTLINE_COLOURS = ("0.6", style.colour(1))  # of other clusters, of the main one
_OUTLINE_GAP = 0.008  # of the panel, between a box and its outline: single hits stay visible


def plot_sample(image: np.ndarray, title: str, boxes: np.ndarray | None = None) -> Figure:
    """One image (H, W) in ADC with its title, on a small page, its clusters outlined where `boxes` (B, 5) tells them."""
    wide = image.shape[1] >= _WIDE_IMAGE
    figure = Figure(figsize=_SMALL_PAGE_OF_VOLUME if wide else _SMALL_PAGE, layout="constrained")
    axes = figure.subplots()
    scale = _common_scale(image)
    draw_image(axes, image, scale, _SHOWN_ON_PAGE)
    if boxes is not None:
        outline_clusters(axes, boxes)
    axes.set_title(textwrap.fill(title, 48), fontsize=9)
    _label_grid(figure)
    _add_colour_bar(figure, [axes], scale)
    return figure


def plot_samples(images: np.ndarray, titles: Sequence[str], boxes: Sequence[np.ndarray] | None = None) -> Figure:
    """A grid of `images` (n, H, W) in ADC with their titles and one colour scale; some dozen images read well.

    `boxes` are those of the clusters of each image.
    """
    figure = style.new_figure("Samples")
    if len(images) == 0:
        _say_only(figure, "no images")
        return figure
    most = 6 if images.shape[2] >= _WIDE_IMAGE else 8
    columns = int(np.clip(len(images), 4, most))  # a single tall image would fill the page
    rows = -(-len(images) // columns)
    all_axes = style.panels(figure, rows, columns)
    scale = _common_scale(images)
    for place, (axes, image, title) in enumerate(zip(all_axes[: len(images)], images, titles, strict=True)):
        draw_image(axes, image, scale)
        axes.set_title(title, fontsize=9)
        axes.tick_params(labelleft=place % columns == 0)
        if boxes is not None:
            outline_clusters(axes, boxes[place])
    for axes in all_axes[len(images) :]:
        axes.remove()
    _label_grid(figure)
    _add_colour_bar(figure, all_axes[: len(images)], scale)
    return figure


def plot_best_and_worst(
    images_of: Callable[[np.ndarray], np.ndarray],
    labels: ArrayLike,
    scores: ArrayLike,
    class_names: Sequence[str],
    energies: ArrayLike,
    boxes_of: Callable[[np.ndarray], Sequence[np.ndarray]] | None = None,
) -> Figure:
    """For each true class (a row) the four images decided rightly, and wrongly, with the highest score.

    `images_of` gives the images (n, H, W) in ADC of sample indices (n,), `boxes_of` the boxes of their clusters; each is called
    once. `energies` (N,) in MeV, NaN where unknown.
    """
    labels, scores = check_classification(labels, scores, class_names)
    energies = np.asarray(energies, dtype=np.float64)
    decided = decisions(scores)
    confidence = scores[np.arange(len(labels)), decided]
    chosen = [  # a row of the figure: four right, four wrong
        [_most_confident(confidence, (labels == c) & right) for right in (decided == labels, decided != labels)]
        for c in range(len(class_names))
    ]
    indices = np.concatenate([some for row in chosen for some in row])
    figure = style.new_figure(
        "Most confident decisions: right (left, blue) and wrong (right, orange)\nabove each: decision, its score, energy"
        + ("; outlined: the main cluster orange, others grey" if boxes_of else "")
    )
    if indices.size == 0:
        _say_only(figure, "no test images")
        return figure
    images = dict(zip(indices.tolist(), images_of(indices), strict=True))
    boxes = dict(zip(indices.tolist(), boxes_of(indices), strict=True)) if boxes_of else {}
    scale = _common_scale(np.stack(list(images.values())))
    all_axes = style.panels(figure, len(class_names), 2 * _EXAMPLES)
    for place, axes in enumerate(all_axes):
        class_index, column = divmod(place, 2 * _EXAMPLES)
        wrong, example = divmod(column, _EXAMPLES)
        some = chosen[class_index][wrong]
        if example < len(some):
            index = int(some[example])
            draw_image(axes, images[index], scale)
            if index in boxes:
                outline_clusters(axes, boxes[index])
            energy = f"{energies[index]:.1f} MeV" if np.isfinite(energies[index]) else "energy ?"
            decision = textwrap.fill(class_names[decided[index]], 14)
            title = f"{decision}\n{confidence[index]:.3f}\n{energy}"
            axes.set_title(title, fontsize=8, color=style.colour(wrong))
            axes.tick_params(labelleft=example == 0)
        else:
            _leave_empty(axes, "none" if example == 0 else "")
        if column == 0:
            axes.set_ylabel("truth:\n" + textwrap.fill(class_names[class_index], 16), fontsize=10)
    _label_grid(figure)
    _add_colour_bar(figure, all_axes, scale)
    return figure


def draw_image(
    axes: Axes, image: np.ndarray, scale: Normalize, shown_at_most: tuple[int, int] = _SHOWN_IN_GRID
) -> None:
    """Draw one `image` (H, W) in ADC; pixel (row, column) is centred on (column, row) of the axes.

    Of blocks of pixels the largest is shown where the image has more rows or columns than `shown_at_most`.
    """
    height, width = image.shape
    rows, columns = (-(-size // most) for size, most in zip(image.shape, shown_at_most, strict=True))
    shown = _largest_of_blocks(image, rows, columns)
    axes.imshow(
        np.ma.masked_equal(shown, 0),
        cmap=style.adc_colours(),
        norm=scale,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, columns * shown.shape[1] - 0.5, -0.5, rows * shown.shape[0] - 0.5),
    )
    axes.set(xlim=(-0.5, width - 0.5), ylim=(-0.5, height - 0.5))
    axes.tick_params(labelsize=8)
    axes.locator_params(nbins=4)


def outline_clusters(axes: Axes, boxes: np.ndarray) -> None:
    """Draw a thin rectangle round each of `boxes` (B, 5) of an image already drawn, the main cluster's on top."""
    gap_x, gap_y = (_OUTLINE_GAP * abs(high - low) for low, high in (axes.get_xlim(), axes.get_ylim()))
    for main, colour in enumerate(_OUTLINE_COLOURS):
        rectangles = [
            Rectangle(
                (left - 0.5 - gap_x, bottom - 0.5 - gap_y), right - left + 1 + 2 * gap_x, top - bottom + 1 + 2 * gap_y
            )
            for bottom, top, left, right, is_main in boxes
            if is_main == main
        ]
        if rectangles:
            axes.add_collection(
                PatchCollection(rectangles, facecolor="none", edgecolor=colour, linewidth=0.8 + 0.3 * main),
                autolim=False,
            )


def _largest_of_blocks(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The largest ADC of each block of rows x columns pixels; the last blocks are filled up with zeros."""
    height, width = image.shape
    padded = np.pad(image, [(0, -height % rows), (0, -width % columns)])
    return padded.reshape(padded.shape[0] // rows, rows, padded.shape[1] // columns, columns).max(axis=(1, 3))


def _common_scale(images: np.ndarray) -> Normalize:
    """From zero to the ADC that 99.5 % of the charged pixels stay below: single peaks do not fade the rest."""
    charged = images[images != 0]
    return Normalize(0, float(np.percentile(charged, 99.5)) if charged.size else 1.0)


def _most_confident(confidence: np.ndarray, selected: np.ndarray) -> np.ndarray:
    indices = np.flatnonzero(selected)
    return indices[np.argsort(-confidence[indices], kind="stable")[:_EXAMPLES]]


def _add_colour_bar(figure: Figure, all_axes: list[Axes], scale: Normalize) -> None:
    mappable = ScalarMappable(scale, style.adc_colours())
    bar = figure.colorbar(mappable, ax=all_axes, extend="max", fraction=0.03, pad=0.01, aspect=40)
    bar.set_label("charge [ADC]", fontsize=11)
    bar.ax.tick_params(labelsize=9)


def _label_grid(figure: Figure) -> None:
    figure.supxlabel("channel", fontsize=11)
    figure.supylabel("drift time [ticks]", fontsize=11)


def _leave_empty(axes: Axes, message: str) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    style.say(axes, message)


def _say_only(figure: Figure, message: str) -> None:
    _leave_empty(style.panels(figure)[0], message)
