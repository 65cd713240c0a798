"""Plots of a search: what was best when, what was pruned or failed, and each parameter against the objective."""

import io
from dataclasses import dataclass, field

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from python.config.search_space import Dimension
from python.plots.search import plot_parameters, plot_trials

DIMENSIONS = {
    "learning_rate": Dimension("loguniform", (1e-4, 1e-1)),
    "n_filters": Dimension("choice", (8, 16, 32)),
    "dropout_rate": Dimension("uniform", (0, 0.5)),
    "n_layers": Dimension("quniform", (1, 4, 1)),
    "filters": Dimension("choice", ([8, 16], None, "a name that is much too long for an axis")),
}


@dataclass
class Ended:
    number: int
    metric: float | None
    status: str = "done"
    sign: int = 1
    values: dict = field(default_factory=lambda: dict(VALUES))

    @property
    def loss(self):
        return None if self.metric is None else self.sign * self.metric


VALUES = {"learning_rate": 1e-3, "n_filters": 16, "dropout_rate": 0.25, "n_layers": 2, "filters": None}
TRIALS = [
    Ended(2, 0.5, values=VALUES | {"n_filters": 8}),
    Ended(1, 0.7),  # ended later than the second
    Ended(3, None, "failed", values=VALUES | {"learning_rate": 0.05}),
    Ended(4, 0.6, "pruned"),
    Ended(5, 0.3, values=VALUES | {"n_filters": 32}),
    Ended(6, 0.4),
    Ended(7, 0.1, "pruned"),
]


def drawn(figure):
    figure.savefig(io.BytesIO(), format="png", dpi=40)
    return figure


def lines(axes):
    return {line.get_label(): line for line in axes.lines}


def points(axes, label):
    [found] = [collection for collection in axes.collections if collection.get_label() == label]
    return found.get_offsets().tolist()


# ---------------------------------------------------------------------------- by trial
def test_course_of_a_search():
    [axes] = drawn(plot_trials(TRIALS, "val_loss")).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("trial", "val loss")
    assert points(axes, "done (4)") == [[1, 0.7], [2, 0.5], [5, 0.3], [6, 0.4]]
    assert points(axes, "pruned (2)") == [[4, 0.6], [7, 0.1]]
    named = lines(axes)
    assert named["best so far"].get_xdata().tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert named["best so far"].get_ydata().tolist() == [0.7, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3]
    assert named["failed (1)"].get_xdata().tolist() == [3]
    best = named["best: 0.3, trial 5"]
    assert (best.get_xdata(), best.get_ydata()) == ([5], [0.3])


def test_of_an_accuracy_the_largest_is_best():
    trials = [Ended(1, 0.6, sign=-1), Ended(2, 0.9, sign=-1), Ended(3, 0.7, sign=-1), Ended(4, None, "failed")]
    [axes] = drawn(plot_trials(trials, "val_accuracy")).axes
    assert lines(axes)["best so far"].get_ydata().tolist() == [0.6, 0.9, 0.9, 0.9]
    assert "best: 0.9, trial 2" in lines(axes)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "metrics", [(0.2, 0.9), (1e-3, 50.0), (0.5, 0.5)], ids=["near", "orders of magnitude", "equal"]
)
def test_failed_trials_stand_where_they_are_worse_than_all_others(sign, metrics):
    trials = [Ended(1, metrics[0], sign=sign), Ended(2, metrics[1], "pruned", sign=sign), Ended(3, None, "failed")]
    one = {"learning_rate": DIMENSIONS["learning_rate"]}
    for figure in (plot_trials(trials, "objective"), plot_parameters(trials, one)):
        axes = drawn(figure).axes[0]
        [failed] = [line for label, line in lines(axes).items() if label.startswith("failed")]
        [height] = failed.get_ydata()
        heights = axes.transAxes.inverted().transform(axes.transData.transform([(1, metric) for metric in metrics]))[
            :, 1
        ]
        assert 0.02 < height < 0.98
        assert all(0.02 < each < 0.98 for each in heights)
        assert height > heights.max() if sign == 1 else height < heights.min()


def test_a_loss_over_orders_of_magnitude_is_drawn_logarithmically():
    [axes] = plot_trials([Ended(1, 0.01), Ended(2, 100.0)], "val_loss").axes
    assert axes.get_yscale() == "log"
    [axes] = plot_trials([Ended(1, 0.5), Ended(2, 0.7)], "val_loss").axes
    assert axes.get_yscale() == "linear"


@pytest.mark.parametrize(
    "trials",
    [
        [],
        [Ended(1, 0.5)],
        [Ended(1, None, "failed")],
        [Ended(1, 0.5, "pruned"), Ended(2, None, "failed")],
        [Ended(1, 0.0), Ended(2, 0.0)],
        [Ended(number, 1 / number) for number in range(1, 301)],
    ],
    ids=["none", "one", "failed", "none done", "zero", "many"],
)
def test_few_and_many_trials_are_drawn(trials):
    drawn(plot_trials(trials, "val_loss"))
    drawn(plot_parameters(trials, DIMENSIONS, "val_loss"))


def test_before_a_trial_has_ended_the_plots_say_so():
    for figure in (plot_trials([], "val_loss"), plot_parameters([], DIMENSIONS)):
        assert [text.get_text() for axes in figure.axes for text in axes.texts] == ["no trial has ended"]


# ---------------------------------------------------------------------------- by parameter
def panels(figure):
    return {axes.get_xlabel(): axes for axes in drawn(figure).axes}


def test_every_parameter_has_its_axis():
    named = panels(plot_parameters(TRIALS, DIMENSIONS, "val_loss"))
    assert set(named) >= set(DIMENSIONS)
    rate, dropout, layers = named["learning_rate"], named["dropout_rate"], named["n_layers"]
    assert (rate.get_xscale(), dropout.get_xscale()) == ("log", "linear")
    assert rate.get_ylabel() == "val loss"
    assert rate.get_xlim()[0] < 1e-4 < 1e-1 < rate.get_xlim()[1]
    assert points(dropout, "done") == [[0.25, 0.7], [0.25, 0.5], [0.25, 0.3], [0.25, 0.4]]
    assert lines(rate)["failed"].get_xdata().tolist() == [0.05]
    assert all(float(tick).is_integer() for tick in layers.get_xticks())


def test_choices_stand_apart_with_the_median_of_what_ran_to_its_end():
    axes = panels(plot_parameters(TRIALS, DIMENSIONS))["n_filters"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["8", "16", "32"]
    places = np.array(points(axes, "done"))
    assert np.round(places[:, 0]).tolist() == [1, 0, 2, 1]
    assert len({tuple(place) for place in places}) == 4
    bars = [each.get_segments()[0] for each in axes.collections if isinstance(each, LineCollection)]
    assert [(bar[:, 0].mean().round(9), bar[0, 1]) for bar in bars] == [(0, 0.5), (1, 0.55), (2, 0.3)]


def test_long_choices_are_shortened():
    axes = panels(plot_parameters(TRIALS, DIMENSIONS))["filters"]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[:2] == ["[8, 16]", "null"]
    assert labels[2].startswith("a name")
    assert len(labels[2]) < 20


@pytest.mark.parametrize("number", [1, 2, 4, 6, 9, 12, 13])  # which fill each grid of panels, or begin one
def test_labels_of_one_to_many_parameters_do_not_overlap(number):
    kinds = list(DIMENSIONS.values())
    dimensions = {f"parameter_{index}": kinds[index % len(kinds)] for index in range(number)}
    values = {f"parameter_{index}": list(VALUES.values())[index % len(kinds)] for index in range(number)}
    trials = [Ended(n, 0.5 + 0.1 * n, values=values) for n in range(1, 5)]
    figure = drawn(plot_parameters(trials, dimensions, "val_loss"))
    shown = [axes for axes in figure.axes if axes.get_xlabel()]
    assert [axes.get_xlabel() for axes in shown] == list(dimensions)
    boxes = [axes.get_tightbbox() for axes in shown]
    assert min(axes.get_window_extent().width for axes in shown) > 0.1 * figure.bbox.width
    assert min(axes.get_window_extent().height for axes in shown) > 0.1 * figure.bbox.height
    for index, box in enumerate(boxes):
        for other in boxes[:index]:
            assert box.shrunk(0.97, 0.97).count_overlaps([other]) == 0
