"""Which way metrics are better, and what is followed in training."""

import pytest

from python.commands.tasks import load_task
from python.metrics.merit import larger_is_better
from python.tasks import TASKS


def test_which_way_a_metric_is_better():
    smaller = (
        "containment_68_deg",
        "gkvm_median_deg_above_5_mev",
        "share_reversed",
        "log_loss",
        "expected_calibration_error",
    )
    larger = (
        "auc",
        "accuracy",
        "recall_main_track",
        "es_efficiency_at_4_percent_cc",
        "es_efficiency_at_4_percent_cc_passing",
        "head_tail_accuracy",
        "mean_cosine",
    )
    neither = ("n_test", "bias_x", "baseline_auc", "auc_low", "temperature", "mean_predicted_68_deg", "n_parameters")
    assert [larger_is_better(name) for name in smaller] == [False] * len(smaller)
    assert [larger_is_better(name) for name in larger] == [True] * len(larger)
    assert [larger_is_better(name) for name in neither] == [None] * len(neither)
    assert larger_is_better("gkvm_limit_68_deg_above_5_mev") is None


@pytest.mark.parametrize("task", TASKS)
def test_what_a_task_follows_in_training_has_a_better_end(task):
    monitors = load_task(task).schema.monitors
    assert {name: larger_is_better(name) for name in monitors} == {
        name: name.endswith(("accuracy", "auc")) for name in monitors
    }
