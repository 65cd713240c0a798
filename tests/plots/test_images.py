"""Images on the right axes, the right examples in the right places."""

import numpy as np
import pytest
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_hex

from python.plots.images import plot_best_and_worst, plot_sample, plot_samples
from tests.plots.reading import draw

TWO = ["background", "main track"]


def drawn_images(figure):
    return [axes.images[0] for axes in figure.axes if axes.images and axes.get_title()]


def test_rows_are_ticks_upwards_columns_are_channels_and_zeros_are_blank():
    image = np.zeros((128, 32))
    image[100, 3] = 500.0
    figure = plot_samples(image[None], ["one hit"])
    draw(figure)
    shown = drawn_images(figure)[0]
    assert shown.get_extent() == [-0.5, 31.5, -0.5, 127.5]
    assert shown.origin == "lower"
    assert shown.get_array()[100, 3] == 500
    assert shown.get_array().count() == 1
    assert tuple(shown.get_cmap().get_bad()) == (1, 1, 1, 1)
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("channel", "drift time [ticks]")


def test_a_single_sample_fills_its_own_small_page():
    image = np.zeros((128, 32))
    image[100, 3] = 500.0
    figure = plot_sample(image, "one hit")
    draw(figure)
    (shown,) = drawn_images(figure)
    assert shown.get_array()[100, 3] == 500
    assert shown.axes.get_window_extent().width > 0.5 * figure.bbox.width


def test_no_hit_of_a_volume_image_is_lost_on_the_way_to_the_panel():
    image = np.zeros((1242, 208))
    image[1241, 207], image[7, 0] = 300.0, 90.0
    shown = drawn_images(plot_samples(image[None], ["volume"]))[0]
    assert sorted(shown.get_array().compressed()) == [90, 300]
    assert shown.get_array().shape == (249, 104)
    bottom, top = shown.get_extent()[2:]
    assert (bottom, top) == (-0.5, 1244.5)  # 249 blocks of five rows, three of them beyond the image
    assert shown.axes.get_ylim() == (-0.5, 1241.5)


@pytest.mark.parametrize("n", [0, 1, 7, 9])
def test_any_number_of_samples_is_drawn(n):
    figure = plot_samples(np.zeros((n, 16, 8)), [f"image {i}" for i in range(n)])
    draw(figure)
    assert len(drawn_images(figure)) == n


def test_the_most_confident_right_and_wrong_of_each_class_are_shown():
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    positive = np.array([0.1, 0.3, 0.2, 0.05, 0.4, 0.9, 0.8, 0.25])
    asked = []

    def images_of(indices):
        asked.append(indices.tolist())
        return np.ones((len(indices), 16, 8)) * (1 + indices)[:, None, None]

    scores = np.stack([1 - positive, positive], axis=1)
    energies = np.where(np.arange(8) == 5, np.nan, 10.0 + np.arange(8))
    figure = plot_best_and_worst(images_of, labels, scores, TWO, energies)
    draw(figure)
    assert asked == [[3, 0, 2, 1, 5, 6, 7]]  # right and wrong background, right and wrong main track
    titled = [axes for axes in figure.axes if axes.get_title()]
    assert [int(axes.images[0].get_array().max()) - 1 for axes in titled] == asked[0]
    assert titled[0].get_title() == "background\n0.950\n13.0 MeV"
    assert titled[4].get_title() == "main track\n0.900\nenergy ?"
    assert "background" in titled[0].get_ylabel()
    assert "main track" in titled[5].get_ylabel()


def test_nothing_wrong_and_nothing_at_all_are_said():
    perfect = plot_best_and_worst(lambda i: np.zeros((len(i), 16, 8)), [0, 1], np.eye(2), TWO, [np.nan, 3.0])
    draw(perfect)
    assert [text.get_text() for axes in perfect.axes for text in axes.texts if text.get_text()] == ["none", "none"]
    nothing = plot_best_and_worst(lambda _: pytest.fail("no image to ask for"), [], np.zeros((0, 2)), TWO, [])
    assert nothing.axes[0].texts[0].get_text() == "no test images"


def outlines(axes):
    """Colour and box (left, bottom, right, top) of every outline, the last drawn last."""
    return [
        (to_hex(collection.get_edgecolor()[0]), *path.get_extents().extents)
        for collection in axes.collections
        if isinstance(collection, PatchCollection)
        for path in collection.get_paths()
    ]


VOLUME = np.zeros((1242, 208))
VOLUME[600:640, 100:104], VOLUME[30:42, 7] = 300.0, 80.0
BOXES = np.array([[600, 639, 100, 103, 1], [30, 41, 7, 7, 0]])


def check_outlines(axes):
    other, main = outlines(axes)
    assert main[0] != other[0]
    for (_, left, bottom, right, top), (first_row, last_row, first, last, _) in zip((main, other), BOXES, strict=True):
        assert first - 4 < left < first - 0.5 < last + 0.5 < right < last + 4  # outside the pixels, and close
        assert first_row - 16 < bottom < first_row - 0.5 < last_row + 0.5 < top < last_row + 16
    assert (axes.get_xlim(), axes.get_ylim()) == ((-0.5, 207.5), (-0.5, 1241.5))


def test_clusters_are_outlined_close_to_their_pixels_the_main_one_last_and_in_its_own_colour():
    single = plot_sample(VOLUME, "volume", BOXES)
    draw(single)
    check_outlines(single.axes[0])
    several = plot_samples(np.stack([VOLUME, 0 * VOLUME]), ["one", "none"], [BOXES, BOXES[:0]])
    draw(several)
    check_outlines(several.axes[0])
    assert outlines(several.axes[1]) == []


def test_outlines_of_the_best_and_worst_are_those_of_their_own_images():
    asked = []

    def boxes_of(indices):
        asked.append(indices.tolist())
        return [BOXES if index == 1 else BOXES[:0] for index in indices]

    images = np.stack([0 * VOLUME, VOLUME, 0 * VOLUME])
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9]])
    figure = plot_best_and_worst(lambda i: images[i], [0, 0, 1], scores, TWO, np.full(3, 9.0), boxes_of)
    draw(figure)
    assert asked == [[0, 1, 2]]
    first, second, third = (axes for axes in figure.axes if axes.get_title())
    check_outlines(second)
    assert outlines(first) == outlines(third) == []


def test_a_page_of_its_own_shows_a_volume_finer_than_a_panel_of_a_grid():
    shapes = [
        drawn_images(figure)[0].get_array().shape
        for figure in (plot_sample(VOLUME, "volume"), plot_samples(VOLUME[None], ["volume"]))
    ]
    assert shapes == [(621, 208), (249, 104)]
