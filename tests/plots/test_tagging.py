"""What the tagger's plots draw is what its metrics say; every shape of data gives a figure without a warning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from python.metrics.classification import binomial_interval, calibration_bins
from python.metrics.tagging import best_cut, fit_temperature, passing_cut, tagging_metrics, with_temperature
from python.plots import tagging as plots
from tests.plots.reading import draw, legend_text, texts


@pytest.fixture(scope="module", autouse=True)
def drawn_here(no_drawing):
    """Small runs of other tests may have put an empty figure in place of one that is tested here."""
    with no_drawing.lifted():
        yield


def two_columns(es_score):
    es_score = np.asarray(es_score, dtype=np.float64)
    return np.stack([1 - es_score, es_score], axis=1)


def sample(n, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, n)
    x = generator.normal(np.where(labels == 1, 1.5, -1.5), 1)
    return labels, two_columns(expit(6 * x)), 5 + generator.exponential(10, n)


def test_efficiency_curve_is_that_of_the_best_cut_and_its_marks_are_the_metrics():
    labels, scores, _ = sample(2000)
    axes = plots.plot_efficiency_vs_contamination(labels, scores, seed=3).axes[0]
    curve = axes.lines[0]
    for percent, efficiency in list(zip(curve.get_xdata(), curve.get_ydata(), strict=True))[::25]:
        assert efficiency == pytest.approx(best_cut(labels, scores, percent / 100).es_efficiency)
    assert curve.get_ydata()[-1] == 1
    metrics = tagging_metrics(labels, scores, seed=3)
    for percent in (4, 1):
        key = f"es_efficiency_at_{percent}_percent_cc"
        value, low, high = (metrics[key + end] for end in ("", "_low", "_high"))
        assert f"at {percent} % CC: {value:.4f} [{low:.4f}, {high:.4f}]" in legend_text(axes)


def test_the_curve_where_cc_pass_is_that_of_its_cut_and_its_marks_are_the_metrics():
    labels, scores, _ = sample(2000)
    axes = plots.plot_efficiency_vs_passing(labels, scores, seed=3).axes[0]
    curve = axes.lines[0]
    for percent, efficiency in list(zip(curve.get_xdata(), curve.get_ydata(), strict=True))[::25]:
        assert efficiency == pytest.approx(passing_cut(labels, scores, percent / 100).es_efficiency)
    one_event = next(line for line in axes.lines if line.get_label().startswith("one CC event"))
    assert one_event.get_xdata()[0] == pytest.approx(100 / np.sum(labels == 0))
    metrics = tagging_metrics(labels, scores, seed=3)
    for percent in (4, 1):
        key = f"es_efficiency_at_{percent}_percent_cc_passing"
        value, low, high = (metrics[key + end] for end in ("", "_low", "_high"))
        assert f"where {percent} % of CC pass: {value:.4f} [{low:.4f}, {high:.4f}]" in legend_text(axes)


def test_mixture_is_named_and_where_it_lies_without_a_cut():
    labels, scores, _ = sample(300)
    axes = plots.plot_efficiency_vs_contamination(labels, scores, cc_per_es=4).axes[0]
    assert "of 4 CC for each ES" in axes.get_xlabel()
    no_cut = next(line for line in axes.lines if line.get_label().startswith("no cut"))
    assert no_cut.get_xdata()[0] == pytest.approx(80)


def test_a_single_cc_event_lies_on_its_curve():
    labels = np.repeat([1, 1, 0, 0], [30, 20, 1, 499])
    scores = two_columns(np.repeat([0.9, 0.7, 0.8, 0.1], [30, 20, 1, 499]))
    axes = plots.plot_efficiency_vs_contamination(labels, scores).axes[0]
    one_event = next(line for line in axes.lines if line.get_label().startswith("one CC event"))
    at = np.searchsorted(one_event.get_ydata(), 1.0)
    cut = best_cut(labels, scores, 0.04)
    assert (cut.es_efficiency, cut.cc_leakage) == (1, 1 / 500)
    assert one_event.get_xdata()[at] == pytest.approx(100 * cut.contamination())


def test_selection_in_two_energy_bins():
    # ES: half of those at 10 MeV score high, all at 20 MeV; CC: one of a hundred at 20 MeV does
    labels = np.repeat([1, 0], [40, 1000])
    es_score = np.concatenate([np.repeat([0.05, 0.9], [10, 30]), np.full(1000, 0.1)])
    es_score[-1] = 0.95
    energies = np.concatenate([np.repeat([10.0, 20.0], 20), np.repeat([10.0, 20.0], [900, 100])])
    efficiency, leakage, strip = plots.plot_selection_vs_energy(labels, two_columns(es_score), energies).axes
    np.testing.assert_allclose(efficiency.lines[0].get_ydata(), [0.5, 1])
    np.testing.assert_allclose(leakage.lines[0].get_ydata(), [0, 0.01])
    assert texts(strip) == ["20", "20", "900", "100"]
    low, high = binomial_interval(30, 40)
    assert f"ES: 0.7500 [{low:.4f}, {high:.4f}]" in legend_text(efficiency)
    assert "CC: 0.0010" in legend_text(leakage)


def test_selection_follows_the_share_of_cc_that_is_asked_for():
    labels, scores, energies = sample(2000)
    for share in (0.01, 0.3):
        figure = plots.plot_selection_vs_energy(labels, scores, energies, cc_passing=share)
        cut = passing_cut(labels, scores, share)
        assert f"where {100 * share:g} % of CC pass" in figure.get_suptitle()
        assert f"ES: {cut.es_efficiency:.4f}" in legend_text(figure.axes[0])
        assert f"CC: {cut.cc_leakage:.4f}" in legend_text(figure.axes[1])


def test_energy_bins_count_all_known_events_and_say_what_is_not_seen():
    labels, scores, energies = sample(500)
    energies[:20] = np.nan
    energies[20] = 1e4
    strip = plots.plot_selection_vs_energy(labels, scores, energies, "reconstructed energy [MeV]").axes[2]
    assert sum(int(text.replace(",", "")) for text in texts(strip)) == 480
    assert strip.get_xlabel().startswith("reconstructed energy [MeV]\nbeyond the axis")
    assert strip.get_xlabel().endswith("left out, energy unknown: 20")


def test_calibration_is_drawn_before_and_after_the_temperature():
    labels, scores, _ = sample(3000)
    temperature = fit_temperature(labels, scores)
    axes, strip = plots.plot_temperature_calibration(labels, scores, temperature).axes
    for index, (when, shown) in enumerate((("before", scores), ("after", with_temperature(scores, temperature)))):
        groups = calibration_bins(labels == 1, shown[:, 1])
        drawn = next(line for line in axes.containers[index].lines if hasattr(line, "get_ydata"))
        np.testing.assert_allclose(drawn.get_xdata(), groups.mean_score)
        np.testing.assert_allclose(drawn.get_ydata(), groups.positives / groups.entries)
        assert f"{when}: ECE {groups.expected_error():.4f}" in legend_text(axes)
        assert strip.patches[index].get_data().values.sum() == 3000


def test_what_cannot_be_drawn_is_said():
    one_class = np.ones(20, int)
    scores, energies = two_columns(np.linspace(0, 1, 20)), np.full(20, 10.0)
    both = np.arange(20) % 2
    for figure, message in [
        (plots.plot_efficiency_vs_passing(one_class, scores), "needs both ES and CC events"),
        (plots.plot_efficiency_vs_contamination(one_class, scores), "needs both ES and CC events"),
        (plots.plot_selection_vs_energy(one_class, scores, energies), "needs both ES and CC events"),
        (plots.plot_selection_vs_energy(both, scores, np.nan * energies), "no event has a known energy"),
    ]:
        draw(figure)
        assert texts(figure.axes[0]) == [message]
    at_bound = plots.plot_temperature_calibration(one_class, scores, fit_temperature(one_class, scores))
    assert "the bound of its range" in at_bound.get_suptitle()
    no_events = plots.plot_temperature_calibration(np.zeros(0, int), np.zeros((0, 2)), 1.0)
    assert "before: no entries" in legend_text(no_events.axes[0])
    only_es_known = np.where(both == 1, 10.0, np.nan)
    figure = plots.plot_selection_vs_energy(both, scores, only_es_known)
    draw(figure)
    assert "CC: no entries" in legend_text(figure.axes[1])


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_any_sample_is_drawn_without_a_warning(data):
    energy = st.one_of(st.floats(0, 100), st.just(float("nan")))
    events = data.draw(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6), energy), max_size=12))
    labels, sixths, energies = np.array(events, float).reshape(-1, 3).T
    labels, scores = labels.astype(int), two_columns(sixths / 6)
    draw_it = {
        "efficiency": lambda: plots.plot_efficiency_vs_contamination(labels, scores),
        "passing": lambda: plots.plot_efficiency_vs_passing(labels, scores),
        "energy": lambda: plots.plot_selection_vs_energy(labels, scores, energies),
        "calibration": lambda: plots.plot_temperature_calibration(labels, scores, fit_temperature(labels, scores)),
    }
    figure = draw_it[data.draw(st.sampled_from(sorted(draw_it)))]()
    draw(figure)
    assert figure.get_suptitle()
    assert figure.axes[-1].get_xlabel()
