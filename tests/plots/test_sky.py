"""The figure of a sky map draws what the map says, for every shape of map, in either frame."""

import re

import numpy as np
import pytest

from python.plots.sky import LEVELS, Candidates, sky_figure
from python.pointing.sky_map import DETECTOR, ICRS, SkyMap
from tests.plots.reading import draw, legend_text, texts

GALACTIC_CENTRE = (266.405, -28.936)  # degrees in ICRS


def toward(longitude, latitude):
    longitude, latitude = np.radians([longitude, latitude])
    return np.array([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])


def fisher_map(star, kappa, frame=ICRS):
    return SkyMap.of(lambda toward_star: kappa * (toward_star @ star), frame, highest_order=8)


@pytest.fixture(scope="module")
def typical():
    star = toward(*GALACTIC_CENTRE)
    candidates = Candidates(np.stack([star, toward(266, -27), -star]), np.array([1.0, 0.25, 0.5]))
    return sky_figure(fisher_map(star, 800), "A burst", candidates, toward(266.4, -27.0), simulated=True)


def parts(figure):
    whole, zoom, legend, *_ = figure.axes
    return whole, zoom, legend


def line_of_the_galaxy(axes):
    return next(line for line in axes.lines if line.get_linestyle() == "--")


def test_contours_enclose_the_areas_that_are_said(typical):
    _, zoom, legend = parts(typical)
    contours = zoom.collections[1]
    for level, path in zip(LEVELS, contours.get_paths(), strict=True):
        x, y = path.vertices.T
        enclosed = abs(np.sum(x * np.roll(y, 1) - y * np.roll(x, 1))) / 2
        assert enclosed == pytest.approx(-2 * np.pi * np.log(1 - level) / 800 * (180 / np.pi) ** 2, rel=0.03)
        said = re.search(rf"{100 * level:.0f} % within (\d+) square degrees", legend_text(legend))
        assert float(said[1]) == pytest.approx(enclosed, rel=0.05)


def test_marks_lie_where_they_belong(typical):
    whole, zoom, legend = parts(typical)
    candidates, truth = zoom.collections[-2:]
    assert truth.get_offsets().data[0] == pytest.approx(
        [0.0, 1.94], abs=0.2
    )  # north of the peak, where 37 % are nearer
    np.testing.assert_allclose(candidates.get_sizes() / candidates.get_sizes().max(), [1, 0.25, 0.5])
    offsets = np.ma.filled(candidates.get_offsets(), np.nan)
    assert np.isfinite(offsets).all(axis=1).tolist() == [True, True, False]
    assert offsets[1, 0] - offsets[0, 0] == pytest.approx(0.36, abs=0.02)  # a smaller right ascension is to the right
    assert re.search("true place, first within the 3[5-9] % region", legend_text(legend))
    assert "3 candidates, area by weight" in legend_text(legend)
    assert len(whole.collections[-2].get_offsets()) == 3


def test_the_plane_of_the_galaxy_goes_through_its_centre(typical):
    whole, zoom, _ = parts(typical)
    x, y = line_of_the_galaxy(zoom).get_data()
    assert np.nanmin(np.hypot(x, y)) < 0.3
    assert len(line_of_the_galaxy(whole).get_xdata()) > 700


def test_a_simulated_burst_says_so(typical):
    assert "SIMULATED" in [text.get_text() for text in typical.texts]
    assert "SIMULATED" not in [text.get_text() for text in sky_figure(fisher_map(toward(0, 0), 9), "t").texts]


def test_the_bar_is_as_long_as_it_says(typical):
    zoom = parts(typical)[1]
    bar = next(line for line in zoom.lines if line.get_linewidth() == 3)
    assert f"{np.ptp(bar.get_xdata()):g}°" in texts(zoom)


@pytest.mark.parametrize("latitude", [-89, -80, -29, 0, 60])
def test_degrees_of_the_zoom_stand_between_its_regions_and_its_edge(latitude):
    zoom = parts(sky_figure(fisher_map(toward(266, latitude), 800), "t"))[1]
    said = [text for text in zoom.texts if text.get_fontsize() == 7]
    far = np.array([np.abs(text.get_position()).max() for text in said]) / zoom.get_xlim()[1]
    assert len(said) >= 4
    assert ((far > 0.7) & (far < 1)).all()


def test_detector_axes_show_no_sky():
    found = fisher_map(np.array([0.0, 0.6, -0.8]), 300, DETECTOR)
    figure = sky_figure(found, "t", truth=np.array([0.0, 0.6, -0.8]))
    whole, zoom, legend = parts(figure)
    assert "Galaxy" not in legend_text(legend)
    assert "y (up)" in "\n".join(texts(legend))
    assert "ICRS" not in "\n".join(texts(legend))
    assert whole.collections[-1].get_offsets().data[0] == pytest.approx([0, np.arcsin(0.6)])  # -z is in the middle
    assert "-z" in [label.get_text() for label in whole.get_xticklabels()]
    assert zoom.collections[-1].get_offsets().data[0] == pytest.approx([0, 0], abs=0.2)


def lobes(toward_star):
    return np.logaddexp(300 * (toward_star[:, 0] - 1), 300 * (-toward_star[:, 0] - 1))


@pytest.mark.parametrize(
    ("likelihood", "frame"),
    [
        (lambda toward_star: 0 * toward_star[:, 0], DETECTOR),
        (lobes, ICRS),
        (lambda toward_star: 20 * toward_star[:, 2], ICRS),
        (lambda toward_star: 1e5 * toward_star[:, 1], DETECTOR),
    ],
    ids=["uniform", "two lobes", "wide at the pole", "narrow at the pole"],
)
def test_every_shape_is_drawn(likelihood, frame):
    found = SkyMap.of(likelihood, frame, highest_order=8)
    few = Candidates(np.eye(3)[: int(frame == ICRS)], np.ones(int(frame == ICRS)))
    figure = sky_figure(found, "t", few)
    draw(figure)
    legend = parts(figure)[2]
    assert ("1 candidate, area" if frame == ICRS else "0 candidates") in legend_text(legend)
    assert ("no direction stands out" in texts(legend)[-1]) == (found.information < 0.05)
