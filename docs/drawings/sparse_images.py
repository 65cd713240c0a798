"""A small image and the three arrays that hold it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from docs.drawings.drawing import BLUE, GREEN, ORANGE, new_drawing, plain, save
from python.data.sparse_images import SparseImages
from python.plots import style

FIRST = ((0, 2, 80), (1, 2, 240), (1, 3, 130), (2, 3, 310), (3, 3, 90))  # row, column, ADC
SECOND = ((1, 1, 150), (2, 0, 210), (2, 1, 70))
SHAPE = (5, 6)
CELL = 1.25


def main() -> None:
    dense = np.zeros((2, *SHAPE), np.float32)
    for image, pixels in zip(dense, (FIRST, SECOND), strict=True):
        for row, column, adc in pixels:
            image[row, column] = adc
    figure = new_drawing(10.4, 3.3)
    first, second, arrays = figure.subplots(1, 3, width_ratios=(1, 1, 2.4))
    for number, (axes, image) in enumerate(zip((first, second), dense, strict=True)):
        _draw_dense(axes, image, f"image {number}: {SHAPE[0]} x {SHAPE[1]} pixels")
    _draw_arrays(arrays, SparseImages.from_dense(dense))
    save(figure, "sparse_images")


def _draw_dense(axes: Axes, image: np.ndarray, title: str) -> None:
    axes.imshow(np.ma.masked_equal(image, 0), cmap=style.adc_colours(), norm=Normalize(0, 400), origin="lower")
    for row, column in np.argwhere(image >= 0):
        value = image[row, column]
        colour = "#AAAAAA" if value == 0 else "white" if value > 180 else "black"
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(np.arange(-0.5, SHAPE[1]), labels=[])
    axes.set_yticks(np.arange(-0.5, SHAPE[0]), labels=[])
    axes.grid(visible=True, color="#DDDDDD", linewidth=0.7)
    axes.tick_params(length=0)
    axes.set_xlabel("channel", fontsize=9)
    axes.set_ylabel("tick", fontsize=9)
    axes.set_title(title, fontsize=10)


def _draw_arrays(axes: Axes, images: SparseImages) -> None:
    """The arrays as rows of cells; those of the two images in two colours."""
    plain(axes, (-3.4, 10.2), (-0.8, 5.4))
    of_image = np.repeat([BLUE, ORANGE], images.counts)
    rows = (
        (4.0, "indptr", images.indptr, [GREEN] * len(images.indptr)),
        (2.2, "indices", images.indices, of_image),
        (0.4, "data, ADC", images.data, of_image),
    )
    for bottom, name, values, colours in rows:
        axes.text(-0.3, bottom + 0.45, name, ha="right", va="center", fontsize=10)
        for place, (value, colour) in enumerate(zip(values, colours, strict=True)):
            axes.add_patch(
                Rectangle((place * CELL, bottom), CELL, 0.9, facecolor="white", edgecolor=colour, linewidth=1.4)
            )
            axes.text(place * CELL + CELL / 2, bottom + 0.45, f"{value:.0f}", ha="center", va="center", fontsize=9)
    axes.text(0, -0.35, "image 0", fontsize=9, color=BLUE)
    axes.text(images.counts[0] * CELL, -0.35, "image 1", fontsize=9, color=ORANGE)


if __name__ == "__main__":
    main()
