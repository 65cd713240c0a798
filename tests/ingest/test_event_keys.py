"""Events of files in which the same run, subrun and event stand several times, and numbers at the ends of their range."""

import numpy as np
import pytest

from python.general_purpose_libs import DataError, start_logging
from python.ingest import root_reader
from python.ingest.root_reader import read_source
from python.ingest.sim_deposits import read_sim_deposits
from python.ingest.truth import event_truth
from tests.ingest.joined_files import MCPARTICLES, MCTRUTHS, job, joined
from tests.ingest.root_files import FOLDER, TP_TREE, write_root


def test_events_of_joined_jobs_are_kept_apart(tmp_path, capsys):
    start_logging()
    es, cc = job(0), job(1, events=(2, 3, 4), is_es=False)
    source = read_source(write_root(tmp_path / "joined.root", joined(es, cc)))
    assert [each.name for each in source.sources] == ["joined.root", "joined.root#2"]
    assert source.sources[1].id == source.sources[0].id + "#2"
    assert source.events[["source", "event"]].tolist() == [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3)]
    assert event_truth(source).is_es.tolist() == [1, 1, 1, 0, 0, 0]
    assert np.bincount(source.tps.event).tolist() == [3] * 6
    assert source.tps.peak[::3].tolist() == [300, 301, 302, 352, 350, 351]  # each with the primitives of its job
    assert source.mcparticles["event"].tolist() == [0, 1, 2, 4, 5, 3]
    assert (
        "2 events have the run, subrun and event of another (the first is run 1, subrun 0, event 2)"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("at_a_time", [1, 2, 5])
def test_stretches_go_on_from_one_part_of_the_tree_to_the_next(tmp_path, monkeypatch, at_a_time):
    path = write_root(tmp_path / "joined.root", joined(job(0), job(1)))
    whole = read_source(path)
    monkeypatch.setattr(root_reader, "ENTRIES_AT_A_TIME", at_a_time)
    parts = read_source(path)
    assert parts.events.tolist() == whole.events.tolist()
    assert parts.tps.event.tolist() == whole.tps.event.tolist()


def test_true_charge_of_joined_jobs_goes_to_its_own_event(tmp_path):
    jobs = []
    for seed in range(2):
        trees = job(seed)
        keys = {name: trees[TP_TREE][name][:-3] for name in ("Run", "SubRun", "Event")}  # none in the last event
        values = {name: np.full(6, float(seed)) for name in ("numelectrons", "energy", "x", "y", "z")}
        deposits = {"channel": np.full(6, 1600, np.uint32), "timestamp": np.zeros(6, np.uint16), **values}
        jobs.append({**trees, f"{FOLDER}/simides": {**keys, **deposits}})
    found = read_sim_deposits(write_root(tmp_path / "joined.root", joined(*jobs)))
    assert found.event.tolist() == [0] * 3 + [1] * 3 + [3] * 3 + [4] * 3
    assert found.electrons.tolist() == [0.0] * 6 + [1.0] * 6


def changed(trees, tree, rows):
    return {**trees, tree: {name: column[rows] for name, column in trees[tree].items()}}


def alone(trees):
    return {TP_TREE: trees[TP_TREE]}


TWO = joined(job(0), job(1))
UNCLEAR = {
    "an event without primitives in one job": changed(TWO, TP_TREE, slice(3, None)),
    "an event without truth in one job": changed(TWO, MCTRUTHS, slice(3, None)),
    "an event without particles in one job": changed(TWO, MCPARTICLES, slice(1, None)),
    "the same event at the end of one job and the start of the next": joined(job(0), job(1, events=(3, 4, 5))),
    "no truth at all": alone(TWO),
    "jobs in another order in one tree": changed(
        TWO, MCTRUTHS, [*range(9), *range(12, 15), *range(9, 12), *range(15, 18)]
    ),
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_joined_jobs_that_cannot_be_told_apart_are_refused(tmp_path, case):
    path = write_root(tmp_path / "joined.root", UNCLEAR[case])
    with pytest.raises(DataError, match=r"stand several times.*convert their files one by one") as caught:
        read_source(path)
    assert str(path) in str(caught.value)


def test_primitives_of_an_event_need_not_stand_together_where_the_truth_is_clear(tmp_path, capsys):
    start_logging()
    trees = job(0)
    mixed = np.arange(9).reshape(3, 3).T.ravel()
    source = read_source(write_root(tmp_path / "mixed.root", changed(trees, TP_TREE, mixed)))
    assert source.events["event"].tolist() == [1, 2, 3]
    assert np.bincount(source.tps.event).tolist() == [3, 3, 3]
    assert (
        "mixed.root: trigger primitives of 3 events do not stand together (the first is run 1, subrun 0, event 1)"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("name", ["Run", "SubRun", "Event"])
def test_numbers_up_to_the_largest_are_kept_and_beyond_refused(tmp_path, name):
    trees = alone(job(0))
    largest = np.iinfo(np.int64).max
    for number, refused in ((largest, False), (largest + 1, True)):
        trees[TP_TREE][name] = np.full(9, number, np.uint64)
        path = write_root(tmp_path / "large.root", {TP_TREE: trees[TP_TREE]})
        if refused:
            with pytest.raises(DataError, match=rf"large\.root: {name} {number} is beyond {largest}"):
                read_source(path)
        else:
            assert set(read_source(path).events[name.lower()].tolist()) == {largest}


def test_neighbours_beyond_the_exact_floats_stay_apart(tmp_path):
    trees = alone(job(0))
    trees[TP_TREE]["Event"] = np.repeat(np.array([2**53, 2**53 + 1, 2**53 + 2], np.uint64), 3)
    assert read_source(write_root(tmp_path / "a.root", trees)).events["event"].tolist() == [2**53, 2**53 + 1, 2**53 + 2]


def test_numbers_that_are_not_whole_are_refused(tmp_path):
    trees = alone(job(0))
    trees[TP_TREE]["Event"] = trees[TP_TREE]["Event"].astype(np.float64)
    with pytest.raises(DataError, match="Event is of type float64"):
        read_source(write_root(tmp_path / "a.root", trees))
