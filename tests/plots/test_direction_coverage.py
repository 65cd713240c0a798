"""Shares inside regions are drawn as the metrics say, for every number of events."""

import numpy as np
import pytest

from python.metrics.coverage import DensityResults, coverage, coverage_error
from python.plots.direction_coverage import plot_coverage, plot_levels
from tests.plots.reading import draw, texts


def results(n, power=1.0):
    rng = np.random.default_rng(1)
    return DensityResults(rng.normal(size=n), rng.random(n) ** power, rng.uniform(3, 60, n))


def test_shares_are_drawn_before_and_after_overall_and_by_energy():
    found = {"before": results(3000, 1.5), "after": results(3000)}
    figure = plot_coverage(found)
    assert [axes.get_title().split(":")[0] for axes in figure.axes[:2]] == ["all energies", "5 to 10 MeV"]
    for axes, some in (
        (figure.axes[0], found),
        (figure.axes[1], {name: each.by_energy()["5_to_10_mev"] for name, each in found.items()}),
    ):
        for name, each in some.items():
            line = next(line for line in axes.lines if line.get_label() == name)
            np.testing.assert_allclose(line.get_ydata(), coverage(each.level, line.get_xdata()) - line.get_xdata())
            assert any(text.startswith(f"worst {coverage_error(each.level):.3f}") for text in texts(axes))


def test_levels_are_counted():
    found = {"after": results(2000)}
    axes = plot_levels(found).axes[0]
    heights = axes.patches[-1].get_data().values
    np.testing.assert_allclose(heights, np.histogram(found["after"].level, 20, (0, 1))[0] / 100)


@pytest.mark.parametrize("n", [0, 30])
@pytest.mark.parametrize("plot", [plot_coverage, plot_levels])
def test_few_events_or_none_are_drawn(plot, n):
    figure = plot({"before": results(n), "after": results(n)})
    draw(figure)
    if n == 0:
        assert "no events" in texts(figure.axes[0])
