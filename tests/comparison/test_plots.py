"""What the plots of a comparison show."""

import io

import numpy as np
import pytest

from python.comparison.comparison import compare
from python.comparison.plots import (
    plain,
    plot_classes_against_energy,
    plot_directions_against_energy,
    plot_learning_curves,
    plot_ranking,
)
from python.metrics.classification import classification_metrics
from tests.comparison.test_comparison import class_answers, direction_answers, run_of

NASTY = ("_hidden", "$x$ and $y_$", "plain")


def drawn(figure):
    """The figure, which could be drawn."""
    figure.savefig(io.BytesIO(), dpi=30)
    return figure


def legend_of(figure):
    [legend] = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def points(axes):
    """x and y of each error-bar series in the order in which they were drawn."""
    return [container.lines[0].get_data() for container in axes.containers]


def test_the_ranking_shows_values_and_differences():
    answers = [class_answers(sharpness=sharpness) for sharpness in (1, 2, 3)]
    comparison = compare("t", [run_of(name, each) for name, each in zip(NASTY, answers, strict=True)], "auc")
    values, differences = drawn(plot_ranking(comparison)).axes
    assert [float(x[0]) for x, _ in points(values)] == [run.metrics["auc"] for run in comparison.runs]
    assert [text.get_text() for text in values.get_yticklabels()] == [
        f"{n}  {r.name}" for n, r in enumerate(comparison.runs, 1)
    ]
    assert [float(x[0]) for x, _ in points(differences)] == [d.value for d in comparison.differences[1:]]
    assert "anked by auc" in values.figure.get_suptitle()


def test_runs_that_are_not_ranked_have_no_ranks_and_no_differences():
    runs = [run_of("a", class_answers(), auc=None), run_of("b", class_answers(300))]
    figure = drawn(plot_ranking(compare("t", runs, "auc")))
    [axes] = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b"]
    assert [text.get_text() for text in axes.texts] == ["undefined"]
    assert "Not ranked" in figure.get_suptitle()


def test_learning_curves_lie_over_each_other():
    histories = {
        "_a": {
            "loss": [3.0, 2.0, 1.0],
            "val_loss": [3.0, 2.0, 2.5],
            "auc": [0.5, 0.6, 0.7],
            "val_auc": [0.5, None, 0.6],
        },
        "b": {"loss": [4.0, 3.0], "val_loss": [4.0, 5.0]},
        "c": None,
    }
    figure = drawn(plot_learning_curves(list(histories.items()), "auc", same_loss=False))
    loss, val_loss, metric, val_metric = figure.axes
    courses = {line.get_label(): line.get_ydata() for line in loss.lines if not line.get_label().startswith("_")}
    assert {name: list(values) for name, values in courses.items()} == {" _a": [3, 2, 1], "b": [4, 3]}
    best = {(line.get_xdata()[0], line.get_ydata()[0]) for line in val_loss.lines if len(line.get_xdata()) == 1}
    assert best == {(2, 2.0), (1, 4.0)}
    assert len([line for line in metric.lines if len(line.get_xdata()) > 1]) == 1
    assert np.isnan(val_metric.lines[0].get_ydata()[1])
    assert "not to be compared" in loss.get_title()
    assert metric.get_title() == ""
    assert legend_of(figure) == [" _a", "b"]


def test_learning_curves_of_nothing():
    for histories in ([], [("a", None)], [("a", {"loss": [], "val_loss": [None]})]):
        figure = drawn(plot_learning_curves(histories, "auc"))
        assert [axes.texts[0].get_text() for axes in figure.axes] == ["not recorded"] * 4


def test_classes_against_energy_agree_with_the_metrics_of_each_bin():
    runs = [(name, class_answers(3000, seed)) for seed, name in enumerate(NASTY)]
    figure = drawn(plot_classes_against_energy(runs))
    accuracy, area, efficiency, entries = figure.axes
    edges = entries.patches[0].get_data().edges
    assert len(edges) > 3
    for number, (_, answers) in enumerate(runs):
        counts, _ = np.histogram(answers.energy, edges)
        assert entries.patches[number].get_data().values == pytest.approx(counts)
        inside = (answers.energy >= edges[1]) & (answers.energy < edges[2])
        expected = classification_metrics(answers.labels[inside], answers.scores[inside], answers.class_names)
        for axes, name in ((accuracy, "accuracy"), (area, "auc"), (efficiency, "recall")):
            x, y = points(axes)[number]
            assert y[1] == pytest.approx(expected[name]), name
            assert edges[1] < x[1] < edges[2]
    assert legend_of(figure) == [plain(name) for name in NASTY]
    assert efficiency.get_ylabel() == "efficiency, main_track"


def test_events_of_unknown_energy_are_in_no_bin():
    answers = class_answers(300)
    answers.energy[::3] = np.nan
    entries = plot_classes_against_energy([("a", answers)]).axes[3]
    assert entries.patches[0].get_data().values.sum() == 200


def test_classes_against_energy_of_few_or_odd_events():
    answers = class_answers(5)
    unknown = class_answers(5)
    unknown.energy[:] = np.nan
    for runs in ([("a", answers)], [("a", unknown)], [("a", answers), ("b", unknown)], [("a", class_answers(0))], []):
        drawn(plot_classes_against_energy(runs))
    three = class_answers(500, classes=("a", "b", "c"))
    drawn(plot_classes_against_energy([("three", three)]))


def test_directions_against_energy_name_every_run():
    runs = [(name, direction_answers(200, scale)) for name, scale in zip(NASTY, (10, 20, 30), strict=True)]
    few = drawn(plot_directions_against_energy(runs))
    assert [text.split(":")[0] for text in legend_of(few)[-3:]] == [plain(name) for name in NASTY]
    many = plot_directions_against_energy([(f"run {n}", runs[0][1]) for n in range(12)])
    assert many.get_figheight() > few.get_figheight()
