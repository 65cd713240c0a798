"""The right events, in the right planes, with arrows as the planes see them."""

import numpy as np
import pytest

from python.detector.geometry import PITCH_CM, TICK_CM
from python.metrics.principal_axis import project
from python.plots.event_displays import plot_best_and_worst_events
from tests.directions.samples import direction_results
from tests.plots.reading import draw


def with_one_hit(indices, planes="uvx", shape=(128, 32), channels=()):
    """Images whose only charge says which event it is: 100 ADC times index + 1, at row 40, column 10."""
    images = {}
    for plane in planes:
        images[plane] = np.zeros((len(indices), *shape, *channels), np.float32)
        images[plane][:, 40, 10] = np.reshape(100.0 * (1 + indices), (-1, *[1] * len(channels)))
    return images


def drawn(figure):
    """Panels with an image: those of U, of V, of X."""
    return [axes for axes in figure.axes if axes.images]


@pytest.mark.parametrize("channels", [(), (1,)])
def test_the_best_and_the_worst_are_shown_in_three_planes(channels):
    results = direction_results(50)
    asked = []

    def images_of(indices):
        asked.append(indices.tolist())
        return with_one_hit(indices, channels=channels)

    figure = plot_best_and_worst_events(images_of, results)
    draw(figure)
    order = np.argsort(results.angle)
    assert asked == [[*order[:4], *order[::-1][:4]]]
    panels = drawn(figure)
    assert len(panels) == 24
    for row in range(3):
        shown = [round(float(axes.images[0].get_array().max()) / 100) - 1 for axes in panels[8 * row : 8 * row + 8]]
        assert shown == asked[0]
    best = order[0]
    assert panels[0].get_title() == f"{results.angle[best]:.1f}°\n{results.true_energy[best]:.1f} MeV"


def test_arrows_start_at_the_charge_and_point_as_the_plane_sees_them():
    results = direction_results(9)
    figure = plot_best_and_worst_events(with_one_hit, results)
    worst = int(np.argmax(results.angle))
    for plane, axes in enumerate(drawn(figure)[4::8]):
        for arrow, direction in zip(axes.texts, (results.predicted[worst], results.truth[worst]), strict=True):
            assert arrow.xyann == (10, 40)
            drift, across = project(direction)
            steps = (np.array(arrow.xy) - (10, 40)) * [PITCH_CM[plane], TICK_CM]
            np.testing.assert_allclose(steps / 3.2, [across[plane], drift])
            (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
            assert left < arrow.xy[0] < right
            assert low < arrow.xy[1] < high
    assert axes.get_aspect() == pytest.approx(TICK_CM / PITCH_CM[2])


@pytest.mark.parametrize(("n", "best", "worst"), [(0, 0, 0), (1, 1, 0), (2, 1, 1), (5, 3, 2), (8, 4, 4)])
def test_few_events_are_shown_once(n, best, worst):
    figure = plot_best_and_worst_events(with_one_hit, direction_results(n))
    draw(figure)
    assert len(drawn(figure)) == 3 * (best + worst)


def test_missing_planes_empty_images_and_low_energies():
    results = direction_results(20)
    figure = plot_best_and_worst_events(lambda indices: {"x": np.zeros((len(indices), 128, 32))}, results, 20.0)
    draw(figure)
    assert len(drawn(figure)) == 8
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert all(float(title.split("\n")[1].removesuffix(" MeV")) >= 20 for title in titles)
