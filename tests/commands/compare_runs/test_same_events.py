"""Runs are ranked by what they reach on the same test events."""

import numpy as np
import pytest

from python.metrics.classification import classification_metrics
from tests.commands.compare_runs.conftest import CLASSES, entries, run, write_run, written

pytestmark = pytest.mark.usefixtures("undrawn")


def test_other_test_events_are_said_and_not_ranked(runs, tmp_path, capsys):
    other = write_run(tmp_path / "other", version="v9", n=200, first=200, sharpness=9)
    assert run(*runs[:2], other, "-o", tmp_path / "out") == 0
    printed = capsys.readouterr()
    said = "no ranking is given: the runs were tested on different events (v2, v1: 300; v9: 200), of which 100 are the same"
    assert said in printed.err
    assert "Not ranked" in printed.out
    for name in ("comparison.md", "comparison.html"):
        assert said in (tmp_path / "out" / name).read_text()
    found = written(tmp_path / "out")
    assert not found["ranked"]
    assert entries(found, "rank") == {"v2": None, "v1": None, "v9": None}
    assert list(entries(found, "rank")) == ["v2", "v1", "v9"]


def test_common_events_can_be_ranked(runs, tmp_path, capsys):
    other = write_run(tmp_path / "other", version="v9", n=200, first=200, sharpness=9)
    assert run(runs[0], other, "-o", tmp_path / "out", "--common") == 0
    assert "Measured on the 100 test events that all runs share." in capsys.readouterr().out
    found = written(tmp_path / "out")
    assert entries(found, "rank") == {"v9": 1, "v2": 2}
    assert entries(found, "n_test") == {"v9": 100, "v2": 100}
    arrays = np.load(runs[0] / "test_predictions.npz")
    expected = classification_metrics(arrays["labels"][200:], arrays["scores"][200:], CLASSES)
    assert entries(found, "metrics")["v2"] == pytest.approx({**expected, "n_parameters": 1234})


@pytest.mark.parametrize("column", ["source", "event", "plane", "true_nu_energy", "labels"])
def test_events_of_other_data_are_not_the_same(runs, tmp_path, column):
    path = runs[1] / "test_predictions.npz"
    arrays = dict(np.load(path))
    arrays[column] = 1 - arrays[column] if column in ("source", "labels") else arrays[column] + 1
    np.savez(path, **arrays)
    assert run(*runs, "-o", tmp_path / "out") == 0
    assert not written(tmp_path / "out")["ranked"]


def test_an_old_run_that_does_not_tell_places_is_compared_by_what_it_tells(runs, tmp_path):
    path = runs[0] / "test_predictions.npz"
    arrays = dict(np.load(path))
    np.savez(
        path, **arrays, **dict.fromkeys(("apa", "face", "first_tick"), np.ones(300, int)), first_channel=np.arange(300)
    )
    assert run(*runs, "-o", tmp_path / "out") == 0
    assert written(tmp_path / "out")["ranked"]


def record_identity(folder, ids, names=("a.root", "b.root"), run=1):
    """Give the predictions of a run what files of today record of their events."""
    path = folder / "test_predictions.npz"
    arrays = dict(np.load(path))
    n = len(arrays["event"])
    arrays |= {
        "sources": np.array(names),
        "source_ids": np.array(ids),
        "run": np.full(n, run),
        "subrun": np.zeros(n, int),
    }
    np.savez(path, **arrays)


def same_events(folders, output):
    assert run(*folders, "-o", output) == 0
    return written(output)["n_same_events"]


def test_sources_are_the_same_by_content_whatever_they_are_called(runs, tmp_path):
    first, second, third = runs
    record_identity(first, ["11", "22"])
    record_identity(second, ["11", "22"], names=("copy.root", "other.root"))
    assert same_events([first, second], tmp_path / "copies") == 300
    record_identity(third, ["33", "22"])  # another file called a.root
    assert same_events([first, third], tmp_path / "others") is None
    assert run(first, third, "--common", "-o", tmp_path / "common") == 0
    assert written(tmp_path / "common")["n_same_events"] == 150
    record_identity(third, ["11", "22"], run=2)
    assert same_events([first, third], tmp_path / "runs") is None


@pytest.mark.parametrize("ids", [None, ["11", ""]])
def test_runs_of_older_code_and_data_are_compared_by_names(runs, tmp_path, ids):
    record_identity(runs[0], ["11", "22"])
    if ids:
        record_identity(runs[1], ids, run=-1)
    assert same_events(runs[:2], tmp_path / "out") == 300
