import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.runs.registry.page import code, plain, training_registry, when

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
DIRECTIONS = {
    "run": "electron_direction.point_network.20261121_191500",
    "task": "electron_direction",
    "folder": "electron_direction/point_network/20261121_191500",
    "version": "v5",
    "model_name": "point_network",
    "job": "10626172",
    "configuration_file": "json/electron_direction/own.json",
    "configuration": {
        "build_parameters": {
            "n_point_units": 128,
            "dense_units": [256, 128],
            "learning_rate": 0.003,
            "decay_rate": 0.8,
        },
        "loss": {"name": "focal_angular", "gamma": 2.0},
        "optimizer": {"name": "adam", "clipnorm": 1.0},
        "epochs": 30,
        "batch_size": 128,
        "seed": 42,
        "ensemble": {"members": 5, "resampling": "bootstrap"},
    },
    "data_set": {"folders": ["data/es"], "files": 2, "samples": 2000},
    "rationale": "Does it point?",
    "started": "2025-11-21T23:50:00+00:00",
    "ended": "2025-11-22T00:10:30+00:00",
    "state": "done",
    "epochs": 12,
    "results": {"containment_68_deg": 27.34, "head_tail_accuracy": 0.889},
    "commit": "0123456789abcdef",
    "host": "node7",
}
TRACKS = {
    "run": "mt_identifier.simple_cnn.plane_V.1",
    "task": "mt_identifier",
    "folder": "mt_identifier/simple_cnn/plane_V/1",
    "model_name": "simple_cnn",
    "configuration": {
        "search": {"trials": 20, "objective": "val_auc", "space": {"n_filters": [8, 16], "learning_rate": [0.1, 1]}},
        "epochs": 10,
    },
    "registered": "2025-12-01T10:00:00+00:00",
    "state": "submitted",
}


def lines_of(*entries):
    return training_registry(entries).split("\n")


def items(page_lines):
    return [line for line in page_lines if line.startswith("#### ")]


def test_the_first_lines_say_that_it_is_generated_and_from_what():
    first = "\n".join(lines_of()[:4])
    assert "Generated from the files registry/*.json" in first
    assert "update_registry.sh" in first


def test_an_attempt_in_the_form_of_the_reference():
    lines = lines_of(DIRECTIONS)
    start = lines.index("## Electron Direction (ED) Regression")
    end = lines.index("## Legend")
    assert lines[start:end] == [
        "## Electron Direction (ED) Regression",
        "",
        "**Goal**: Predict the 3D direction of electron tracks.",
        "",
        "**Dataset**: `data/es` (1 attempt)",
        "",
        "**Evaluation Metric**: Angle that holds 68 % of the test part, between predicted and true direction (degrees)",
        "",
        "**Best so far**: attempt 1, 68 % within 27.3°, on its own test part (`compare_runs.sh` compares on the same events)",
        "",
        "### Training Attempts (November 2025)",
        "",
        "#### 1. point_network, ensemble of 5 (v5) - ✅ DONE",
        "- **Job ID**: 10626172",
        "- **Config**: `json/electron_direction/own.json`",
        "- **Data**: `data/es`, 2 files, 2000 samples",
        "- **Architecture**: n_point_units 128, dense_units [256, 128]",
        "- **Training**: 5 members (bootstrap), up to 30 epochs, 12 epochs done, batches of 128",
        "- **Loss**: `focal_angular`, gamma 2.0",
        "- **Hyperparameters**: adam, learning_rate 0.003, decay_rate 0.8, clipnorm 1.0, seed 42",
        "- **Rationale**: Does it point?",
        "- **Result**: 68 % within 27.3°, head-tail 88.9 %",
        "- **Status**: Completed, 2025-11-21 23:50 to 2025-11-22 00:10 UTC, on node7, commit 0123456789",
        "- **Folder**: `electron_direction/point_network/20261121_191500`",
        "",
        "---",
        "",
    ]


def test_a_submitted_search_says_what_is_known():
    lines = lines_of(TRACKS)
    start = lines.index("#### 1. simple_cnn, plane V, search - 💤 SUBMITTED")
    assert lines[start + 1 : start + 4] == [
        "- **Training**: Search of 20 trials of n_filters, learning_rate, then up to 10 epochs",
        "- **Status**: Submitted, waiting for resources",
        "- **Folder**: `mt_identifier/simple_cnn/plane_V/1`",
    ]


def test_tasks_stand_in_order_and_attempts_are_counted_in_each_by_month():
    other = {**TRACKS, "task": "another_task", "model_name": "other"}
    later = {**TRACKS, "model_name": "deep_cnn", "started": "2026-01-05T00:00:00+00:00"}
    lines = lines_of(other, DIRECTIONS, TRACKS, {**TRACKS, "model_name": "second"}, later)
    heads = [line.removesuffix(", plane V, search - 💤 SUBMITTED") for line in lines if re.match("#{2,4} ", line)]
    assert heads == [
        "## Main Track Identifier (MT)",
        "### Training Attempts (December 2025)",
        "#### 1. simple_cnn",
        "#### 2. second",
        "### Training Attempts (January 2026)",
        "#### 3. deep_cnn",
        "## Electron Direction (ED) Regression",
        "### Training Attempts (November 2025)",
        "#### 1. point_network, ensemble of 5 (v5) - ✅ DONE",
        "## another_task",
        "### Training Attempts (December 2025)",
        "#### 1. other",
        "## Legend",
    ]


@pytest.mark.parametrize(
    ("state", "mark"),
    [
        ("done", "✅"),
        ("failed", "❌"),
        ("running", "⏳"),
        ("interrupted", "⏸️"),
        ("submitted", "💤"),
        ("odd", "❔"),
        (None, "❔"),
    ],
)
def test_every_state_has_a_mark_that_the_legend_explains(state, mark):
    lines = lines_of({**TRACKS, "state": state})
    assert f" - {mark} " in items(lines)[0]
    assert any(line.startswith(f"- {mark} ") for line in lines[lines.index("## Legend") :])


def test_a_failure_says_why():
    failed = {**DIRECTIONS, "state": "failed", "message": "the loss is not finite\nat step 3"}
    (status,) = [line for line in lines_of(failed) if line.startswith("- **Status**")]
    assert status.startswith("- **Status**: Failed, ")
    assert status.endswith(": the loss is not finite at step 3")


@pytest.mark.parametrize(
    ("name", "values", "best"),
    [("containment_68_deg", [30.0, 20.0, 25.0], 2), ("accuracy", [0.7, 0.8, 0.9], 3)],
)
def test_the_best_attempt_is_named(name, values, best):
    entries = [{**DIRECTIONS, "results": {name: value}} for value in values] + [
        {**DIRECTIONS, "results": {"f1": 1.0}},
        TRACKS,
    ]
    assert any(line.startswith(f"**Best so far**: attempt {best}, ") for line in lines_of(*entries))


def test_many_data_sets_are_counted():
    entries = [{**DIRECTIONS, "data_set": {"folders": [f"data/{n}"]}} for n in (1, 2, 2, 3, 4, 5, 6, 7)]
    (line,) = [line for line in lines_of(*entries) if line.startswith("**Dataset**")]
    assert line.startswith("**Dataset**: `data/2` (2 attempts); `data/1` (1 attempt); ")
    assert line.endswith("; and 2 more")


FACTS = sorted(DIRECTIONS.keys() - {"run", "task", "folder"})


@given(
    st.dictionaries(st.sampled_from(FACTS), JSON),
    st.dictionaries(st.sampled_from(sorted(DIRECTIONS["configuration"])), JSON),
)
def test_facts_of_any_kind_leave_the_page_in_order(facts, settings):
    entry = {**DIRECTIONS, "configuration": {**DIRECTIONS["configuration"], **settings}, **facts}
    lines = lines_of(entry, TRACKS)
    assert len(items(lines)) == 2
    assert sum(line.startswith("## ") for line in lines) == 3
    "\n".join(lines).encode()
    body = lines[lines.index(items(lines)[1]) + 1 : lines.index("## Legend") - 3]
    assert all(line.startswith("- **") for line in body)


@given(st.text() | st.text("\n\r#-`*_[]()<>|~&;\\ a1."))
def test_text_stays_in_its_line_and_is_no_markup(text):
    for shown in (plain(text), code(text)):
        assert len(shown.splitlines()) <= 1
    bare = re.sub(r"\\.", "", plain(text))
    assert not set("`*<>|~\\") & set(bare)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("v20_three_plane", "v20_three_plane"),
        ("_v_", r"\_v\_"),
        ("[a](b)", r"[a\](b)"),
        ("AT&T &amp; x", r"AT&T \&amp; x"),
        ("a\u2028b\x1b[31m", "a b�[31m"),
    ],
)
def test_markup_is_shown_as_it_is(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize(("text", "shown"), [("a b", "`a b`"), ("a`b", "`` a`b ``"), ("", ""), ("``", "``` `` ```")])
def test_code_may_hold_backticks(text, shown):
    assert code(text) == shown


@pytest.mark.parametrize("moment", [None, "", "yesterday", 3, []])
def test_what_is_no_time_is_left_out(moment):
    assert when(moment) == ""
