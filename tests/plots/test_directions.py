"""What the plots of directions draw is what the metrics say; every shape of data gives a figure without a warning."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from python.metrics.direction_limit import intrinsic_limit
from python.metrics.directions import direction_statistics
from python.plots import directions as plots
from python.plots import directions_by_energy as energy_plots
from python.plots.direction_error import plot_error_map, plot_error_over_energy
from python.plots.direction_maps import plot_direction_maps
from tests.directions.samples import direction_results
from tests.plots.reading import draw, legend_text, texts

ALL = [
    plots.plot_angle_distribution,
    plots.plot_cosine_distribution,
    plots.plot_components,
    plots.plot_uncertainty_calibration,
    energy_plots.plot_containment_vs_energy,
    energy_plots.plot_head_tail_vs_energy,
    energy_plots.plot_against_drift_angle,
    plot_direction_maps,
    plot_error_map,
    plot_error_over_energy,
]


def points(axes, number=0):
    """x and y of the points with error bars drawn as the `number`-th."""
    line = axes.containers[number].lines[0]
    return line.get_xdata(), line.get_ydata()


def test_angles_are_drawn_with_their_containment():
    results = direction_results(2000)
    density, within = plots.plot_angle_distribution(results).axes
    found = direction_statistics(results)
    for percent in (50, 68, 90):
        assert f"{percent} % within {plots.in_degrees(found[f'containment_{percent}_deg'])}" in legend_text(density)
    assert density.patches[0].get_data().values.sum() == pytest.approx(1)
    curve = within.lines[0]
    assert np.interp(found["containment_68_deg"].value, curve.get_xdata(), curve.get_ydata()) == pytest.approx(
        0.68, abs=1e-3
    )


def test_cosine_line_leaves_68_percent_above():
    results = direction_results(2000)
    axes = plots.plot_cosine_distribution(results).axes[0]
    line = next(line for line in axes.lines if line.get_label().startswith("68 % above"))
    assert np.mean(results.cosine >= line.get_xdata()[0]) == pytest.approx(0.68, abs=1e-3)
    assert plots.in_percent(direction_statistics(results)["share_reversed"]) in legend_text(axes)


def test_the_map_of_errors_finds_the_part_of_the_sky_that_is_wrong():
    results = direction_results(2000)
    along = np.where(
        results.truth[:, :1] > 1 / 3, -results.truth, results.truth
    )  # reversed about the drift, right elsewhere
    angle, right = plot_error_map(replace(results, predicted=along)).axes[:2]
    cells = [axes.collections[0].get_array() for axes in (angle, right)]
    far = np.linspace(-1, 1, len(cells[0]) + 1)[:-1] > 0.3
    np.testing.assert_allclose(cells[0][~far], 0, atol=1e-3)
    np.testing.assert_allclose(cells[0][far], 180, atol=1e-3)
    np.testing.assert_array_equal(cells[1][far], 0)


@pytest.mark.parametrize("n", [100, 3000])  # dots, and cells
def test_columns_of_energy_add_up_to_one(n):
    results = direction_results(n)
    figure = plot_error_over_energy(results)
    draw(figure)
    cells = figure.axes[0].collections
    assert bool(cells) == (n > 500)
    if n > 500:
        edges = cells[0].get_coordinates()[:, 0, 1]
        shares = np.ma.filled(cells[0].get_array(), 0) * np.diff(edges)[:, None]
        np.testing.assert_allclose(shares.sum(axis=0), 1)
        assert "68 % within" in legend_text(figure.axes[0])


@pytest.mark.parametrize("n", [100, 3000])  # points, and a histogram
def test_components_show_the_bias(n):
    results = direction_results(n)
    figure = plots.plot_components(results)
    draw(figure)
    found = direction_statistics(results)
    for axes, name in zip(figure.axes[:3], "xyz", strict=True):
        assert axes.get_title().startswith(f"bias {found[f'bias_{name}'].value:+.4f}")
    true, difference = points(figure.axes[3])
    first = results.truth[:, 0] < -0.8
    assert true[0] == pytest.approx(-0.9)
    assert difference[0] == pytest.approx((results.predicted - results.truth)[first, 0].mean())


def test_uncertainty_is_drawn_with_its_band():
    figure = plots.plot_uncertainty_calibration(direction_results(3000))
    axes, ratio = figure.axes
    predicted, actual = points(axes)
    assert len(predicted) == 10
    assert np.all(np.diff(predicted) > 0)
    np.testing.assert_allclose(points(ratio)[1], actual / predicted)
    assert "within 20 %" in legend_text(axes)
    none = plots.plot_uncertainty_calibration(direction_results(10, uncertainty=False))
    assert texts(none.axes[0]) == ["the network predicts no uncertainty"]


def test_containment_against_energy_with_limits_and_entries():
    results = direction_results(1200)
    figure = energy_plots.plot_containment_vs_energy(results)
    true, reconstructed, strip, _ = figure.axes
    inside = (results.true_energy >= 10) & (results.true_energy < 15)
    x, y = points(true, 1)
    assert x[1] == pytest.approx(results.true_energy[inside].mean())
    assert y[1] == direction_statistics(results.select(inside))["containment_68_deg"].value
    assert sum(int(text.replace(",", "")) for text in texts(strip)) == 1200
    limit = next(line for line in true.lines if line.get_label().startswith("realistic"))
    np.testing.assert_allclose(limit.get_ydata(), intrinsic_limit(limit.get_xdata()))
    assert not any("limit" in line.get_label() for line in reconstructed.lines)  # it holds for true energies
    assert "below 5 MeV, left out" in figure.axes[3].get_xlabel()


def test_head_tail_against_energy_and_drift_angle():
    results = direction_results(1200)
    head = energy_plots.plot_head_tail_vs_energy(results).axes[0]
    last = results.true_energy >= 50
    assert points(head)[1][-1] == pytest.approx(np.mean(results.angle[last] < 90))
    _, by_drift, strip = energy_plots.plot_against_drift_angle(results).axes
    along = results.drift_cosine >= 0.8
    assert points(by_drift)[1][-1] == pytest.approx(np.mean(results.angle[along] < 90))
    assert sum(int(text.replace(",", "")) for text in texts(strip)) == 1200


def test_unknown_energies_are_said_to_be_unknown():
    known = direction_results(30)
    unknown = type(known)(known.truth, known.predicted, known.face, np.full(30, np.nan), np.full(30, np.nan))
    for plot in (energy_plots.plot_containment_vs_energy, energy_plots.plot_head_tail_vs_energy):
        figure = plot(unknown)
        draw(figure)
        assert sum(texts(axes) == ["no events of known energy"] for axes in figure.axes) == 2
        assert "energy unknown: 30" in figure.axes[-1].get_xlabel()


def test_energies_below_the_bins_are_said_to_be_below():
    few = direction_results(3)
    low = type(few)(few.truth, few.predicted, few.face, np.full(3, 2.0), np.full(3, 2.0))
    figure = energy_plots.plot_containment_vs_energy(low)
    assert texts(figure.axes[0]) == ["no events above 5 MeV"]
    assert "left out: 3" in figure.axes[-1].get_xlabel()


def test_runs_are_compared_in_the_same_bins():
    runs = [("wide", direction_results(900, 0, 30.0)), ("narrow", direction_results(600, 1, 10.0))]
    figure = energy_plots.plot_energy_comparison(runs)
    draw(figure)
    angle, _, _, entries = figure.axes
    assert np.all(points(angle, 0)[1] > points(angle, 1)[1])
    for (name, results), steps in zip(runs, entries.patches, strict=True):
        within = plots.in_degrees(direction_statistics(results)["containment_68_deg"])
        assert f"{name}: 68 % within {within}" in legend_text(figure)
        assert steps.get_data().values.sum() == len(results)


@pytest.mark.parametrize("runs", [[], [("none", 0)], [("one", 1), ("none", 0)], [("many", 50)] * 9])
def test_any_runs_are_compared(runs):
    draw(energy_plots.plot_energy_comparison([(name, direction_results(n)) for name, n in runs]))


def test_maps_show_directions_in_detector_axes():
    results = direction_results(3)
    beam = type(results)(*[[[0, 0, 1.0]] * 3] * 2, *[np.ones(3)] * 3)  # along z on any face
    figure = plot_direction_maps(beam)
    draw(figure)
    mesh = figure.axes[0].collections[0]
    values = mesh.get_array().reshape(180, 360)
    assert values.max() == pytest.approx(12)  # all in one of twelve pixels
    assert values[90, 180] == 12
    assert values[90, 0] == 0
    assert "3 events" in figure.axes[1].get_title()


@pytest.mark.parametrize("n", [0, 1, 60])
@pytest.mark.parametrize("plot", ALL)
def test_any_number_of_events_is_drawn_without_a_warning(plot, n):
    figure = plot(direction_results(n))
    draw(figure)
    assert figure.get_suptitle()
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


@pytest.mark.parametrize("plot", ALL)
def test_weights_of_all_kinds_are_drawn(plot):
    results = direction_results(60)
    assert plot(results.weighted_by(np.zeros(60))).axes
    draw(plot(results.weighted_by(np.arange(60) == 7)))
