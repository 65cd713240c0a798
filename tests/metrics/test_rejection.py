"""ES efficiency and CC rejection of cuts, counted by hand."""

import numpy as np
import pytest

from python.metrics.rejection import Tracks, selection_metrics
from python.plots.rejection import plot_efficiency_vs_rejection
from tests.plots.reading import draw, legend_text, texts

# two main tracks of ES, three other clusters of CC; then a main track of CC, another cluster of ES, and one of unknown channel
IS_MAIN = np.array([1, 1, 0, 0, 0, 1, 0, 1], bool)
IS_ES = np.array([1, 1, 0, 0, 0, 0, 1, -1])
ENERGY = np.array([2.0, 9.0, 1.0, 2.5, 4.0, 8.0, 1.0, 1.0])
TRACKS = Tracks.of(IS_MAIN, IS_ES)


def test_only_main_tracks_of_es_and_the_rest_of_cc_count():
    kept = ENERGY >= 3
    assert TRACKS.efficiency(kept).value == 0.5
    assert TRACKS.rejection(kept).value == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("efficiency", "rejection"), [(0.0, 1), (0.3, 2 / 3), (0.5, 2 / 3), (0.51, 1 / 3), (1.0, 1 / 3)]
)
def test_the_tightest_cut_that_keeps_enough_is_taken(efficiency, rejection):
    score = np.array([0.5, 0.9, 0.2, 0.6, 0.95, 0.1, 0.99, 0.99])
    assert TRACKS.rejection_keeping(score, efficiency).value == pytest.approx(rejection)


def test_a_score_that_is_the_energy_does_as_the_cut_on_it():
    found = selection_metrics(TRACKS, ENERGY, ENERGY >= 5, ENERGY)
    network, as_efficient, cut = found.values()
    assert (network["es_efficiency"], network["cc_rejection"]) == (0.5, 1)
    assert as_efficient["es_efficiency"] == cut["es_efficiency"] == 0.5
    assert as_efficient["cc_rejection"] == 1 > cut["cc_rejection"]  # the cut at 9 MeV keeps as many


def test_without_one_of_the_two_nothing_is_said():
    none = Tracks.of(IS_MAIN, np.full(8, -1))
    found = selection_metrics(none, ENERGY, ENERGY >= 3, ENERGY)
    assert all(value is None for metrics in found.values() for value in metrics.values())
    figure = plot_efficiency_vs_rejection(none, {"energy": ENERGY}, {"cut": ENERGY >= 3})
    draw(figure)
    assert "needs main tracks" in texts(figure.axes[0])[0]


def test_the_curve_passes_through_what_a_cut_decides():
    figure = plot_efficiency_vs_rejection(TRACKS, {"energy": ENERGY}, {"cut": ENERGY >= 3})
    draw(figure)
    steps = figure.axes[0].lines[0].get_xydata()
    for corner in ((1, 0.5), (1 / 3, 0.5), (1 / 3, 1), (0, 1)):
        assert any(np.allclose(step, corner) for step in steps)
    assert "cut: efficiency 0.5000, rejection 0.6667" in legend_text(figure.axes[0])
