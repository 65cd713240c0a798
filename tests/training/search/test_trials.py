"""The account of a search's trials: nothing that ended is lost, however the process ends."""

import csv
import json
import logging
import math
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.config.search_space import Dimension
from python.general_purpose_libs import DataError, OutputError
from python.metrics.merit import loss_of
from python.training.search.trials import Trial, TrialLog, TrialTable, best_trial


def trial(number, loss=0.5, status="done", values=None, reason=""):
    failed = status == "failed"
    return Trial(
        number=number,
        values=values or {"learning_rate": 0.001},
        status=status,
        metric=None if failed else loss,
        loss=None if failed else loss,
        reason=reason,
        epochs=3,
        best_epoch=2,
        seconds=1.5,
        memory_mb=700,
        curve=[0.7, 0.6, 0.65],
    )


@pytest.fixture
def warnings_of(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("pointing"), "propagate", True)
    return lambda: [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


# ---------------------------------------------------------------------------- trials
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
numbers = st.floats(-1e6, 1e6)
trials_of_any_kind = st.builds(
    Trial,
    number=st.integers(1, 10**6),
    values=st.dictionaries(st.text(min_size=1), json_values, max_size=4),
    status=st.sampled_from(["done", "pruned", "failed"]),
    metric=st.none() | numbers,
    loss=st.none() | numbers,
    reason=st.text(),
    epochs=st.integers(0, 1000),
    best_epoch=st.integers(0, 1000),
    seconds=st.floats(0, 1e6),
    memory_mb=st.integers(0, 10**6),
    curve=st.lists(numbers, max_size=5),
)


@given(trials_of_any_kind)
def test_a_trial_is_the_same_after_json(one):
    assert Trial.from_json(json.loads(json.dumps(one.to_json(), allow_nan=False))) == one


def test_what_is_not_finite_can_be_written_too():
    diverged = Trial(**{**trial(1).to_json(), "loss": math.inf, "metric": math.nan, "curve": [0.5, math.nan]})
    again = Trial.from_json(json.loads(json.dumps(diverged.to_json(), allow_nan=False)))
    assert (again.loss, again.metric, again.curve[0]) == (None, None, 0.5)
    assert math.isnan(again.curve[1])
    assert not diverged.has_loss
    assert not again.has_loss


def test_fields_that_no_trial_has_are_refused():
    with pytest.raises(TypeError, match="losss"):
        Trial.from_json({**trial(1).to_json(), "losss": 1})


@pytest.mark.parametrize(
    ("objective", "loss"), [("val_loss", 0.8), ("loss", 0.8), ("val_accuracy", -0.8), ("val_auc", -0.8)]
)
def test_a_search_makes_the_loss_small(objective, loss):
    assert loss_of(objective, 0.8) == loss


def test_best_is_the_smallest_loss_that_ran_to_its_end():
    pruned, failed = trial(1, 0.1, "pruned"), trial(2, status="failed")
    assert best_trial([pruned, failed]) is None
    assert best_trial([pruned, failed, trial(5, 0.3), trial(4, 0.3), trial(6, 0.4)]).number == 4


# ---------------------------------------------------------------------------- the log
def test_the_order_in_which_trials_ended_is_kept(tmp_path):
    log = TrialLog(tmp_path)
    assert log.read() == []
    ended = [trial(2), trial(1, status="failed", reason="out of memory"), trial(3, 0.4, "pruned")]
    for one in ended:
        log.append(one)
    assert TrialLog(tmp_path).read() == ended


def test_of_one_number_the_first_stays(tmp_path):
    log = TrialLog(tmp_path)
    for one in (trial(1, 0.1), trial(2, 0.2), trial(1, 0.3)):
        log.append(one)
    assert [(one.number, one.loss) for one in log.read()] == [(1, 0.1), (2, 0.2)]
    assert len((tmp_path / "trials.csv").read_text().splitlines()) == 3


def test_a_line_cut_off_anywhere_costs_its_own_trial_alone(tmp_path, warnings_of):
    log = TrialLog(tmp_path)
    log.append(trial(1, reason="größer"))
    whole = log.path.read_bytes()
    log.append(trial(2, reason="größer"))
    both = log.path.read_bytes()
    for length in range(len(whole), len(both)):
        log.path.write_bytes(both[:length])
        said = len(warnings_of())
        assert [one.number for one in log.read()] == [1]
        assert len(warnings_of()) - said == (length > len(whole))
    log.append(trial(3))
    assert [one.number for one in log.read()] == [1, 3]
    assert log.path.read_bytes().startswith(whole)


def test_a_damaged_line_is_named(tmp_path):
    log = TrialLog(tmp_path)
    log.append(trial(1))
    log.path.write_text(log.path.read_text() + '{"number": 2}\n')
    with pytest.raises(DataError, match=r"trials\.jsonl, line 2: is no trial"):
        log.read()


def test_a_folder_that_is_gone_is_said(tmp_path):
    with pytest.raises(OutputError, match=r"trials\.jsonl"):
        TrialLog(tmp_path / "gone").append(trial(1))


WRITER = """
import sys
from python.training.search.trials import Trial, TrialLog
log = TrialLog(sys.argv[1])
for number in range(1, 10**6):
    log.append(Trial(number, {"n_filters": [8] * 2000}, "done", 0.5, 0.5, "", 1, 1, 1.0, 1, [0.5]))
    print(number, flush=True)
"""


def test_what_was_appended_survives_kill_9(tmp_path):
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        writer.stdout.readline()
        time.sleep(0.2)
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged = [1, *map(int, writer.stdout.read().split())]
    found = [one.number for one in TrialLog(tmp_path).read()]
    assert found[: len(acknowledged)] == acknowledged
    assert len(found) - len(acknowledged) <= 1


# ---------------------------------------------------------------------------- tables
def test_the_table_has_a_column_for_every_searched_name(tmp_path):
    log = TrialLog(tmp_path)
    log.append(trial(1, 0.25, values={"filters": [8, 16], "loss": "focal", "alpha": None, "use_batch_norm": True}))
    log.append(trial(2, status="failed", reason='said "no", twice', values={"filters": [4], "loss": "angular"}))
    first, second = csv.DictReader((tmp_path / "trials.csv").read_text().splitlines())
    assert list(first)[:9] == [
        "number", "status", "loss", "metric", "epochs", "best_epoch", "seconds", "memory_mb", "reason",
    ]  # fmt: skip
    assert (float(first["loss"]), first["searched_loss"], first["filters"]) == (0.25, "focal", "[8, 16]")
    assert (first["alpha"], first["use_batch_norm"]) == ("null", "true")
    assert (second["loss"], second["reason"], second["alpha"]) == ("", 'said "no", twice', "")


def test_lines_of_the_log_are_aligned():
    dimensions = {
        "learning_rate": Dimension("loguniform", (1e-5, 1e-1)),
        "loss": Dimension("choice", ("focal", "binary_crossentropy")),
        "filters": Dimension("choice", ([8, 16], None)),
    }
    table = TrialTable(dimensions, "val_accuracy")
    long = {"learning_rate": 1.23456789e-05, "loss": "binary_crossentropy", "filters": [8, 16]}
    short = {"learning_rate": 0.1, "loss": "focal", "filters": None}
    best = Trial(**{**trial(1, values=long).to_json(), "metric": 0.87654321, "loss": -0.87654321})
    lines = [table.header, table.line(best), table.line(trial(20, status="failed", values=short, reason="no\nmemory"))]
    header, done, failed = (line.split() for line in lines)
    assert header == ["trial", "learning_rate", "searched_loss", "filters", "loss", "val_accuracy", "seconds", "memory"]
    assert done == ["1", "1.2346e-05", "binary_crossentropy", "[8,", "16]", "-0.87654", "0.87654", "1.5", "700", "MB"]
    assert failed == ["20", "0.1", "focal", "null", "-", "-", "1.5", "700", "MB", "failed:", "no", "memory"]
    ends = [line.index(word) + len(word) for line, word in zip(lines, ("memory", "700 MB", "700 MB"), strict=True)]
    assert len(set(ends)) == 1
