"""Ranking of runs, their differences event by event, and what they were tested on."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from python.comparison.answers import ClassAnswers, DirectionAnswers
from python.comparison.comparison import (
    ABSENT,
    REPLICAS,
    ComparedRun,
    best_of,
    compare,
    differing_settings,
    paired_differences,
)
from python.general_purpose_libs import ConfigError
from python.metrics.classification import classification_metrics
from tests.directions.samples import direction_results, rotated_by

CLASSES = ("background", "main_track")


def class_answers(n=400, seed=0, sharpness=2.0, first=0, classes=CLASSES):
    """Scores that lean to the true class; event k has the same label and energy in every sample that holds it."""
    events = list(range(first, first + n))
    labels = np.array([(7 * event) % len(classes) for event in events], dtype=int)
    rng = np.random.default_rng(seed)
    logits = sharpness * np.eye(len(classes))[labels] + rng.normal(size=(n, len(classes)))
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return ClassAnswers(labels, scores, classes, np.array([5.0 + event % 50 for event in events]), events)


def direction_answers(n=300, scale=18.0):
    """Events that are the same for every `scale`, judged more or less well."""
    results = direction_results(n, scale_deg=scale)
    return DirectionAnswers(results, list(range(n)))


def run_of(name, answers, config=None, lacks=(), **metrics):
    known = {} if answers is None else answers.metrics()
    return ComparedRun(name, Path(name), config or {}, {**known, **metrics}, None, answers, lacks)


def names(comparison):
    return [run.name for run in comparison.runs]


# ---------------------------------------------------------------------------- statistics of a bootstrap
MEASURED = {
    "classes": (class_answers(), ("accuracy", "auc", "log_loss")),
    "tagger": (class_answers(classes=("cc", "es")), ("accuracy", "auc", "log_loss")),
    "three classes": (class_answers(classes=("a", "b", "c")), ("accuracy", "auc", "log_loss")),
    "directions": (
        direction_answers(),
        ("containment_68_deg", "median_deg", "mean_deg", "axis_68_deg", "head_tail_accuracy", "share_reversed",
         "share_cos_above_0_9", "mean_cosine", "containment_90_deg", "containment_68_deg_above_10_mev",
         "median_deg_20_to_40_mev", "gkvm_containment_68_deg_above_5_mev", "gkvm_head_tail_accuracy"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("answers", "metric"), [(a, m) for a, metrics in MEASURED.values() for m in metrics])
def test_a_statistic_of_every_event_once_is_the_metric(answers, metric):
    once = np.ones(len(answers), dtype=int)
    assert answers.statistic(metric)(once) == pytest.approx(answers.metrics()[metric], rel=1e-12)


@given(st.integers(0, 1000))
def test_an_event_that_counts_twice_is_two_events(seed):
    counts = np.random.default_rng(seed).poisson(1.0, 60)
    rows = np.repeat(np.arange(60), counts)
    for answers, metrics in (
        (class_answers(60), ("accuracy", "auc", "log_loss")),
        (direction_answers(60), ("containment_68_deg", "head_tail_accuracy", "mean_deg_above_10_mev")),
    ):
        for metric in metrics:
            drawn = answers.select(rows)
            expected = drawn.statistic(metric)(np.ones(len(rows), dtype=int))
            assert answers.statistic(metric)(counts) == pytest.approx(expected, rel=1e-9, nan_ok=True), metric


def test_the_area_counts_ties_one_half():
    labels = np.array([0, 1] * 40)
    rounded = np.round(np.random.default_rng(1).random(80), 1)
    answers = ClassAnswers(labels, np.stack([1 - rounded, rounded], 1), CLASSES, rounded, list(range(80)))
    counts = np.random.default_rng(2).poisson(1.0, 80)
    expected = roc_auc_score(labels, rounded, sample_weight=counts)
    assert answers.statistic("auc")(counts) == pytest.approx(expected)
    assert np.isnan(answers.statistic("auc")(labels))  # none of the first class counts


def test_metrics_that_are_no_function_of_counts_have_no_statistic():
    assert class_answers().statistic("f1") is None
    assert direction_answers().statistic("pull_coverage") is None


# ---------------------------------------------------------------------------- differences event by event
def test_a_paired_difference_has_the_standard_error_of_the_differences():
    first, second = class_answers(2000, seed=1, sharpness=2.5), class_answers(2000, seed=2, sharpness=2.0)
    [none, found] = paired_differences([a.statistic("accuracy") for a in (first, second)], 2000, smaller=False)
    assert none is None
    right = [(a.scores[:, 1] >= 0.5) == a.labels for a in (first, second)]
    each = right[1].astype(float) - right[0]
    assert found.value == pytest.approx(each.mean())
    error = each.std() / np.sqrt(2000)
    assert (found.high - found.low) / 2 == pytest.approx(error, rel=4 / np.sqrt(2 * REPLICAS))
    assert (found.high + found.low) / 2 == pytest.approx(each.mean(), abs=0.2 * error)


def test_what_two_runs_share_does_not_blur_their_difference():
    good = direction_answers(1000, 15.0)
    slightly_worse = DirectionAnswers(direction_results(1000, scale_deg=15.5), good.events)
    comparison = compare("t", [run_of("worse", slightly_worse), run_of("good", good)], "containment_68_deg")
    assert names(comparison) == ["good", "worse"]
    difference = comparison.differences[1]
    assert difference.told_apart
    metrics = comparison.runs[0].metrics
    alone = metrics["containment_68_deg_high"] - metrics["containment_68_deg_low"]
    assert difference.high - difference.low < alone / 3


def test_the_same_answers_are_as_often_ahead_as_behind():
    answers = class_answers()
    difference = compare("t", [run_of("a", answers), run_of("b", answers)], "auc").differences[1]
    assert difference == (0, 0, 0, 0.5)
    assert not difference.told_apart


@pytest.mark.parametrize("smaller", [True, False])
def test_ahead_is_the_share_of_samples_in_which_the_other_is_better(smaller):
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(2, 50))

    def mean(values):
        return lambda counts: float(values @ counts)

    expected = 0.0
    generator = np.random.default_rng(0)
    for _ in range(REPLICAS):
        gain = (second - first) @ generator.poisson(1.0, 50)
        expected += (gain < 0 if smaller else gain > 0) / REPLICAS
    [_, found] = paired_differences([mean(first), mean(second)], 50, smaller)
    assert 0 < expected < 1
    assert found.ahead == pytest.approx(expected)


def test_the_order_of_the_events_does_not_matter():
    first, second = class_answers(seed=1), class_answers(seed=2)
    order = np.random.default_rng(0).permutation(len(second))
    found = [
        compare("t", [run_of("a", first), run_of("b", other)], "auc").differences[1]
        for other in (second, second.select(order))
    ]
    assert found[0] == pytest.approx(found[1])


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_events_have_no_differences(n):
    for answers, metric in ((direction_answers(n), "containment_68_deg"), (class_answers(n), "auc")):
        assert not any(compare("t", [run_of("a", answers), run_of("b", answers)], metric).differences)


# ---------------------------------------------------------------------------- ranking
@pytest.mark.parametrize(
    ("answers", "headline"),
    [([class_answers(sharpness=s) for s in (1, 3, 2)], "auc"),
     ([direction_answers(scale=s) for s in (40, 10, 20)], "containment_68_deg")],
)  # fmt: skip
def test_runs_on_the_same_events_are_ranked(answers, headline):
    runs = [run_of(name, each) for name, each in zip(("worst", "best", "middle"), answers, strict=True)]
    comparison = compare("t", runs, headline)
    assert comparison.ranked
    assert names(comparison) == ["best", "middle", "worst"]
    assert [comparison.rank(number) for number in range(3)] == [1, 2, 3]
    assert comparison.n_common == len(answers[0])
    assert comparison.notes == []
    assert headline in comparison.order


def test_another_metric_may_rank():
    runs = [run_of("a", class_answers(), log_loss=0.1), run_of("b", class_answers(), log_loss=0.05)]
    comparison = compare("t", runs, "auc", metric="log_loss")
    assert names(comparison) == ["b", "a"]
    comparison = compare(
        "t", [run_of("a", class_answers(), f1=0.3), run_of("b", class_answers(), f1=0.4)], "auc", metric="f1"
    )
    assert names(comparison) == ["b", "a"]
    assert any("f1 has no such difference" in note for note in comparison.notes)


def test_a_metric_that_cannot_rank_is_refused():
    runs = [run_of("a", class_answers()), run_of("b", class_answers())]
    with pytest.raises(ConfigError, match='acuracy is known of no run; did you mean "accuracy"'):
        compare("t", runs, "auc", metric="acuracy")
    with pytest.raises(ConfigError, match="n_test ranks nothing"):
        compare("t", runs, "auc", metric="n_test")


def test_a_run_without_the_metric_comes_last_and_has_no_rank():
    runs = [
        run_of("a", class_answers(), auc=None),
        run_of("b", class_answers(sharpness=1)),
        run_of("c", class_answers()),
    ]
    comparison = compare("t", runs, "auc")
    assert names(comparison) == ["c", "b", "a"]
    assert [comparison.rank(number) for number in range(3)] == [1, 2, None]


def test_nothing_is_ranked_by_what_no_run_knows():
    one_class = class_answers().select(np.arange(0, 400, 2))
    comparison = compare("t", [run_of("a", one_class), run_of("b", one_class)], "auc")
    assert not comparison.ranked
    assert "auc is undefined for every run" in comparison.notes[0]


def test_a_single_run_has_no_rank():
    comparison = compare("t", [run_of("a", class_answers())], "auc")
    assert comparison.rank(0) is None
    assert comparison.notes == []
    assert "nothing to rank" in comparison.order


# ---------------------------------------------------------------------------- test events
def test_runs_on_other_events_are_not_ranked_and_the_note_says_which():
    runs = [
        run_of("poor", class_answers(400, sharpness=0.5)),
        run_of("best", class_answers(400, sharpness=4)),
        run_of("other", class_answers(300, sharpness=1, first=250)),
    ]
    comparison = compare("t", runs, "auc")
    assert not comparison.ranked
    assert names(comparison) == ["poor", "best", "other"]
    assert [comparison.rank(number) for number in range(3)] == [None] * 3
    assert not any(comparison.differences)
    assert comparison.n_common is None
    assert "(poor, best: 400; other: 300), of which 150 are the same for all; --common" in comparison.notes[0]


def test_on_shared_events_runs_are_measured_again_and_ranked():
    first, other = class_answers(400, sharpness=1), class_answers(300, sharpness=3, first=250)
    runs = [run_of("first", first, n_parameters=7, baseline_auc=0.5), run_of("other", other)]
    comparison = compare("t", runs, "auc", shared_events=True)
    assert comparison.ranked
    assert names(comparison) == ["other", "first"]
    assert comparison.n_common == 150
    rows = slice(250, 400)
    expected = classification_metrics(first.labels[rows], first.scores[rows], CLASSES)
    assert comparison.runs[1].metrics == {**expected, "n_parameters": 7}  # the baseline answered for other events too
    assert comparison.differences[1].value == pytest.approx(
        comparison.runs[1].metrics["auc"] - comparison.runs[0].metrics["auc"]
    )


def test_without_shared_events_nothing_can_be_measured_on_them():
    runs = [run_of("a", class_answers(100)), run_of("b", class_answers(100, first=100))]
    assert "of which 0 are the same for all" in compare("t", runs, "auc").notes[0]
    assert "--common" not in compare("t", runs, "auc").notes[0]
    with pytest.raises(ConfigError, match="share no event"):
        compare("t", runs, "auc", shared_events=True)


def test_runs_of_which_the_events_are_not_known_block_a_ranking():
    runs = [run_of("old", None, lacks=("test_predictions.npz",), auc=0.99), run_of("new", class_answers())]
    comparison = compare("t", runs, "auc")
    assert not comparison.ranked
    assert "which events old was tested on" in comparison.notes[0]
    assert "no test_predictions.npz of old: not in the plot" in comparison.notes[1]
    with pytest.raises(ConfigError, match="which events old was tested on; leave it out"):
        compare("t", runs, "auc", shared_events=True)


def test_runs_with_other_classes_are_not_ranked():
    runs = [run_of("two", class_answers()), run_of("three", class_answers(classes=("background", "es", "cc")))]
    comparison = compare("t", runs, "auc")
    assert not comparison.ranked
    assert "different classes (two: background, main_track; three: background, es, cc)" in comparison.notes[0]
    with pytest.raises(ConfigError, match="--common: the runs tell apart different classes"):
        compare("t", runs, "auc", shared_events=True)


def test_events_that_stand_twice_are_not_compared_event_by_event():
    answers = class_answers(100)
    doubled = answers.select(np.concatenate([np.arange(100), [7]]))
    comparison = compare("t", [run_of("a", doubled), run_of("b", doubled)], "auc")
    assert comparison.ranked
    assert "not told apart, 1, are left out" in comparison.notes[0]
    assert comparison.differences[1].value == 0
    comparison = compare("t", [run_of("a", doubled), run_of("b", answers)], "auc")
    assert not comparison.ranked  # one event more
    assert compare("t", [run_of("a", doubled), run_of("b", answers)], "auc", shared_events=True).n_common == 99


# ---------------------------------------------------------------------------- settings
def test_only_settings_that_differ_are_told():
    configs = [
        {"version": "a", "plane": "X", "model": {"epochs": 3, "loss": {"name": "focal", "gamma": 2.0}}, "stop": None},
        {"version": "b", "plane": "X", "model": {"epochs": 4, "loss": {"name": "cross"}}, "stop": {"patience": 3}},
    ]
    assert differing_settings(configs) == {
        "model.epochs": [3, 4],
        "model.loss.name": ["focal", "cross"],
        "model.loss.gamma": [2.0, ABSENT],
        "stop": [None, {"patience": 3}],
    }
    assert differing_settings(configs[:1]) == {}
    assert differing_settings([configs[0]] * 3) == {}


def test_a_key_called_like_the_version_is_a_setting_within_a_section():
    assert differing_settings([{"a": {"notes": 1}}, {"a": {"notes": 2}}]) == {"a.notes": [1, 2]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(min_size=1, max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(min_size=1, max_size=3), VALUES, max_size=3), min_size=2, max_size=4))
def test_settings_differ_where_and_only_where_configurations_do(configs):
    found = differing_settings(configs, ignored=())
    assert all(len(values) == len(configs) for values in found.values())
    assert all(any(value != values[0] for value in values) for values in found.values())
    assert bool(found) == any(config != configs[0] for config in configs)


# ---------------------------------------------------------------------------- the best of many
def test_the_best_of_many_stay_in_their_order():
    runs = [(Path(f"run{n}"), {"auc": auc}) for n, auc in enumerate((0.7, 0.9, None, 0.8, 0.6))]
    assert best_of(runs, "auc", 3) == [Path("run0"), Path("run1"), Path("run3")]
    assert best_of(runs, "auc", 99) == [Path(f"run{n}") for n in (0, 1, 3, 4)]
    angles = [(Path(f"run{n}"), {"median_deg": angle}) for n, angle in enumerate((20.0, 10.0, 30.0))]
    assert best_of(angles, "median_deg", 2) == [Path("run0"), Path("run1")]
    with pytest.raises(ConfigError, match="median_deg is known of no run"):
        best_of(runs, "median_deg", 2)


def test_answers_of_unlike_lengths_are_refused():
    answers = class_answers(10)
    with pytest.raises(ValueError, match="do not fit"):
        ClassAnswers(answers.labels, answers.scores, CLASSES, answers.energy[:9], answers.events)


def test_a_rotated_answer_is_measured_as_such():
    results = direction_results(50)
    turned = rotated_by(results.truth, 30.0)
    answers = DirectionAnswers(type(results)(results.truth, turned, results.face, results.true_energy, results.true_energy),
                               list(range(50)))  # fmt: skip
    assert answers.metrics()["containment_68_deg"] == pytest.approx(30.0)
    assert answers.metrics()["gkvm_containment_68_deg_above_5_mev"] == pytest.approx(30.0)
