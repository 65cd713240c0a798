"""Detector images: rows are drift time (ticks, upwards), columns are channels, pixels without charge are white."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from python.classification_libs import check_classification, decisions
from python.reporting import style

_SHOWN_PIXELS = 400  # more along one side than a panel has dots would let single hits vanish
MAX_SAMPLES_ON_A_PAGE = 24
_EXAMPLES = 4
_SMALL_PAGE = (4.0, 5.0)  # inches


def plot_sample(image: np.ndarray, title: str) -> Figure:
    """One image (H, W) in ADC with its title, on a small page."""
    figure = Figure(figsize=_SMALL_PAGE, layout="constrained")
    axes = figure.subplots()
    scale = _common_scale(image)
    draw_image(axes, image, scale)
    axes.set_title(textwrap.fill(title, 48), fontsize=9)
    _label_grid(figure)
    _add_colour_bar(figure, [axes], scale)
    return figure


def plot_samples(images: np.ndarray, titles: Sequence[str]) -> Figure:
    """A grid of `images` (n, H, W) in ADC with their titles and one colour scale; some dozen images read well."""
    figure = style.new_figure("Samples")
    if len(images) == 0:
        _say_only(figure, "no images")
        return figure
    columns = int(np.clip(len(images), 4, 8))  # a single tall image would fill the page
    rows = -(-len(images) // columns)
    all_axes = style.panels(figure, rows, columns)
    scale = _common_scale(images)
    for axes, image, title in zip(all_axes[: len(images)], images, titles, strict=True):
        draw_image(axes, image, scale)
        axes.set_title(title, fontsize=9)
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
) -> Figure:
    """For each true class (a row) the four images decided rightly, and wrongly, with the highest score.

    `images_of` gives the images (n, H, W) in ADC of sample indices (n,); it is called once. `energies` (N,) in MeV,
    NaN where unknown.
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
    )
    if indices.size == 0:
        _say_only(figure, "no test images")
        return figure
    images = dict(zip(indices.tolist(), images_of(indices), strict=True))
    scale = _common_scale(np.stack(list(images.values())))
    all_axes = style.panels(figure, len(class_names), 2 * _EXAMPLES)
    for place, axes in enumerate(all_axes):
        class_index, column = divmod(place, 2 * _EXAMPLES)
        wrong, example = divmod(column, _EXAMPLES)
        some = chosen[class_index][wrong]
        if example < len(some):
            index = int(some[example])
            draw_image(axes, images[index], scale)
            energy = f"{energies[index]:.1f} MeV" if np.isfinite(energies[index]) else "energy ?"
            decision = textwrap.fill(class_names[decided[index]], 14)
            title = f"{decision}\n{confidence[index]:.3f}\n{energy}"
            axes.set_title(title, fontsize=8, color=style.colour(wrong))
        else:
            _leave_empty(axes, "none" if example == 0 else "")
        if column == 0:
            axes.set_ylabel("truth:\n" + textwrap.fill(class_names[class_index], 16), fontsize=10)
    _label_grid(figure)
    _add_colour_bar(figure, all_axes, scale)
    return figure


def draw_image(axes: Axes, image: np.ndarray, scale: Normalize) -> None:
    """Draw one `image` (H, W) in ADC; pixel (row, column) is centred on (column, row) of the axes."""
    height, width = image.shape
    rows, columns = (-(-size // _SHOWN_PIXELS) for size in image.shape)
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
