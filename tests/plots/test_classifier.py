"""What the plots draw is what the data say; every shape of data gives a figure without a warning."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python.metrics.classification import binomial_interval, classification_metrics
from python.plots import classifier as plots
from python.plots import classifier_by_energy as by_energy
from tests.plots.reading import draw, legend_text, texts

TWO = ["background", "main track"]
THREE = ["background", "ES main track", "CC main track"]
PLAIN = [
    plots.plot_confusion_matrix,
    plots.plot_roc_curve,
    plots.plot_precision_recall,
    plots.plot_score_distribution,
    plots.plot_calibration,
    plots.plot_against_threshold,
]
IN_BINS = [by_energy.plot_accuracy_vs_energy, by_energy.plot_efficiency_vs_energy]
AGAINST_ENERGY = [*IN_BINS, by_energy.plot_score_vs_energy, by_energy.plot_right_and_wrong]


def sample(n, n_classes=2, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, n_classes, n)
    scores = np.exp(generator.normal(2 * np.eye(n_classes)[labels], 1.2))
    return labels, scores / scores.sum(axis=1, keepdims=True), 5 + generator.exponential(10, n)


def test_confusion_matrix_shows_counts_and_row_fractions_with_interval():
    labels = np.array([0] * 4 + [1] * 6)
    positive = np.array([0.1, 0.2, 0.3, 0.8, 0.9, 0.9, 0.9, 0.6, 0.4, 0.2])
    axes = plots.plot_confusion_matrix(labels, np.stack([1 - positive, positive], axis=1), TWO).axes[0]
    low, high = binomial_interval(3, 4)
    assert texts(axes)[0] == f"3\n75.0 %\n[{100 * low:.1f}, {100 * high:.1f}]"
    assert [text.split("\n")[0] for text in texts(axes)] == ["3", "1", "2", "4"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("decided class", "true class")


def test_roc_curve_encloses_the_area_in_its_legend():
    labels, scores, _ = sample(400)
    roc, rejection = plots.plot_roc_curve(labels, scores, TWO).axes
    curve = roc.lines[0]
    area = np.trapezoid(curve.get_ydata(), curve.get_xdata())
    metrics = classification_metrics(labels, scores, TWO)
    assert area == pytest.approx(metrics["auc"])
    assert f"AUC {area:.4f} [{metrics['auc_low']:.4f}, {metrics['auc_high']:.4f}]" in legend_text(roc)
    assert np.all(rejection.lines[0].get_ydata() >= 1)


def test_three_classes_have_a_curve_each():
    labels, scores, _ = sample(300, 3)
    legend = legend_text(plots.plot_roc_curve(labels, scores, THREE).axes[0])
    assert all(f"{name}: AUC" in legend for name in THREE)
    assert len(plots.plot_score_distribution(labels, scores, THREE).axes) == 6


def test_an_absent_class_is_said_to_be_absent():
    scores = np.array([[0.8, 0.1, 0.1], [0.2, 0.2, 0.6]])
    assert "ES main track: undefined" in legend_text(plots.plot_roc_curve([0, 2], scores, THREE).axes[0])
    assert "ES main track: no entries" in legend_text(plots.plot_precision_recall([0, 2], scores, THREE).axes[0])
    assert texts(plots.plot_confusion_matrix([0, 2], scores, THREE).axes[0])[3:6] == ["0", "0", "0"]


def test_precision_recall_starts_at_no_selection():
    labels, scores, _ = sample(200)
    curve, no_selection = plots.plot_precision_recall(labels, scores, TWO).axes[0].lines
    assert curve.get_xdata()[0] == 1
    assert curve.get_ydata()[0] == pytest.approx(labels.mean())
    assert no_selection.get_ydata()[0] == pytest.approx(labels.mean())


@pytest.mark.parametrize("n", [1, 60, 3000])
def test_score_histograms_hold_every_sample_in_the_same_bins(n):
    labels, scores, _ = sample(n)
    linear, log = plots.plot_score_distribution(labels, scores, TWO).axes
    assert (linear.get_yscale(), log.get_yscale()) == ("linear", "log")
    for index in range(2):
        for axes in (linear, log):
            assert axes.patches[index].get_data().values.sum() == np.count_nonzero(labels == index)
        np.testing.assert_array_equal(linear.patches[index].get_data().edges, log.patches[index].get_data().edges)


def test_calibration_draws_fraction_against_mean_score():
    score = np.repeat([0.25, 0.65], 100)
    labels = np.concatenate([np.arange(100) < 35, np.arange(100) < 75]).astype(int)
    axes, entries = plots.plot_calibration(labels, np.stack([1 - score, score], axis=1), TWO).axes
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [0.25, 0.65])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.35, 0.75])
    assert "ECE 0.1000" in legend_text(axes)
    assert entries.patches[0].get_data().values.sum() == 200


@pytest.mark.parametrize("plot", IN_BINS)
def test_energy_bins_state_entries_that_add_up_to_all_known(plot):
    labels, scores, energies = sample(500, 3)
    energies[:20] = np.nan
    _, strip = plot(labels, scores, THREE, energies, "reconstructed energy [MeV]").axes
    assert sum(int(text.replace(",", "")) for text in texts(strip)) == 480
    assert strip.get_xlabel().startswith("reconstructed energy [MeV]")
    assert "left out, energy unknown: 20" in strip.get_xlabel()


def test_accuracy_in_two_energy_bins():
    # twenty samples at 10 MeV, half of them right; twenty at 20 MeV, all right
    labels = np.ones(40, int)
    positive = np.where(np.arange(40) < 10, 0.2, 0.8)
    energies = np.repeat([10.0, 20.0], 20)
    axes, strip = by_energy.plot_accuracy_vs_energy(
        labels, np.stack([1 - positive, positive], axis=1), TWO, energies
    ).axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.5, 1.0])
    assert texts(strip) == ["20", "20"]
    assert "all classes: 0.7500" in legend_text(axes)


def test_efficiency_is_that_of_each_true_class():
    labels = np.repeat([0, 1], 20)
    scores = np.tile([0.1, 0.9], (40, 1))
    axes, _ = by_energy.plot_efficiency_vs_energy(labels, scores, TWO, np.full(40, 10.0)).axes
    assert "background: 0.0000" in legend_text(axes)
    assert "main track: 1.0000" in legend_text(axes)


def test_what_passes_a_threshold_is_counted():
    positive = np.array([0.1, 0.3, 0.4, 0.8])
    scores = np.stack([1 - positive, positive], axis=1)
    axes = plots.plot_against_threshold([0, 1, 0, 1], scores, TWO).axes[0]
    accuracy, precision, recall = (line.get_data() for line in axes.lines[:3])
    at = [0.0, 0.2, 0.35, 0.6]
    np.testing.assert_allclose(np.interp(at, *accuracy), [0.5, 0.75, 0.5, 0.75])
    np.testing.assert_allclose(np.interp(at, *precision), [0.5, 2 / 3, 0.5, 1])
    np.testing.assert_allclose(np.interp(at, *recall), [1, 1, 0.5, 0.5])
    assert precision[0].max() == pytest.approx(0.8)  # above it nothing is selected
    assert "highest 0.7500" in legend_text(axes)


@pytest.mark.parametrize("n", [100, 4000])  # dots, and cells
def test_scores_have_a_column_for_each_true_class(n):
    labels, scores, energies = sample(n)
    figure = by_energy.plot_score_vs_energy(labels, scores, TWO, energies, "reconstructed energy [MeV]")
    assert [axes.get_title() for axes in figure.axes] == [
        f"{name} ({np.count_nonzero(labels == index):,})" for index, name in enumerate(TWO)
    ]
    assert figure.get_supxlabel().startswith("reconstructed energy [MeV]")
    assert all(axes.containers for axes in figure.axes)


def test_right_and_wrong_decisions_add_up():
    labels, scores, energies = sample(500, 3)
    energies[:20] = np.nan
    figure = by_energy.plot_right_and_wrong(labels, scores, THREE, energies)
    decided = scores.argmax(axis=1)
    for index, axes in enumerate(figure.axes):
        mine = (labels == index) & np.isfinite(energies)
        right, wrong = (patch.get_data().values.sum() for patch in axes.patches)
        assert (right, wrong) == (np.sum(mine & (decided == index)), np.sum(mine & (decided != index)))
    assert "energy unknown: 20" in figure.axes[-1].get_xlabel()


@pytest.mark.parametrize("plot", AGAINST_ENERGY)
def test_unknown_energies_are_said_to_be_unknown(plot):
    labels, scores, energies = sample(30)
    figure = plot(labels, scores, TWO, np.full_like(energies, np.nan))
    draw(figure)
    assert texts(figure.axes[0]) == ["no sample has a known energy"]


@pytest.mark.parametrize("plot", [*PLAIN, *AGAINST_ENERGY])
def test_figures_have_titles_and_labels_and_are_unknown_to_pyplot(plot):
    labels, scores, energies = sample(100)
    figure = plot(labels, scores, TWO, *([energies] if plot in AGAINST_ENERGY else []))
    draw(figure)
    assert figure.get_suptitle()
    assert figure.axes[-1].get_xlabel() or figure.axes[-1].get_ylabel() or figure.get_supxlabel()
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_any_sample_is_drawn_without_a_warning(data):
    n_classes = data.draw(st.integers(2, 3))
    n = data.draw(st.integers(0, 12))
    labels = np.array(data.draw(st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n)), int)
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n * n_classes, max_size=n * n_classes)), float)
    weights = weights.reshape(n, n_classes)
    weights[weights.sum(axis=1) == 0] = 1
    scores = weights / weights.sum(axis=1, keepdims=True)
    energy = st.one_of(st.floats(0, 100), st.just(float("nan")))
    energies = np.array(data.draw(st.lists(energy, min_size=n, max_size=n)), float)
    names = THREE[:n_classes]
    plot = data.draw(st.sampled_from([*PLAIN, *AGAINST_ENERGY]))
    draw(plot(labels, scores, names, *([energies] if plot in AGAINST_ENERGY else [])))
