"""What networks answered, as records and as files."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from python.data.metadata import empty_metadata
from python.data.npz import read_npz
from python.general_purpose_libs import DataError
from python.runs.predictions import (
    ClassPredictions,
    Clusters,
    DirectionPredictions,
    read_predictions,
    write_answers,
    write_predictions,
)
from tests.synthetic import named_source

OLDER = Path(__file__).resolve().parents[1] / "older_runs"
KINDS = {
    "mt_identifier": ClassPredictions,
    "channel_tagging": ClassPredictions,
    "electron_direction": DirectionPredictions,
}
N = 6
NOWHERE = np.full((N, 3), np.nan)


def clusters(n=N):
    table = empty_metadata(n + 2)
    table["source"] = np.arange(n + 2) % 2
    table["event"] = np.arange(n + 2) // 2
    table["run"] = table["subrun"] = 1
    table["face"] = 1
    table["cluster_energy"] = table["true_electron_energy"] = 10.0
    return Clusters.of(table, [named_source("a.root"), named_source("b.root")], np.arange(2, n + 2))


def classes(**changes):
    scores = np.linspace(0.1, 0.9, N, dtype=np.float32)
    found = ClassPredictions(
        clusters(),
        scores=np.stack([1 - scores, scores], axis=1),
        labels=np.arange(N) % 2,
        class_names=np.array(["cc", "es"]),
    )
    return replace(found, **changes)


def directions(**changes):
    vectors = np.eye(3)[np.arange(N) % 3]
    found = DirectionPredictions(
        clusters(),
        direction=vectors,
        true_direction=vectors,
        direction_drift_frame=vectors,
        true_direction_drift_frame=-vectors,
        is_es=np.arange(N) % 2,
        outputs=vectors.astype(np.float32),
        output_layout="direction",
        kappa=np.ones(N),
        spread_deg=np.linspace(0, 9, N),
        beside={"es_logit": np.arange(N, dtype=np.float32)},
    )
    return replace(found, **changes)


def same(one, other):
    ours, theirs = one.arrays(), other.arrays()
    assert list(ours) == list(theirs)
    for name in ours:
        assert ours[name].dtype == theirs[name].dtype, name
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    return True


# ---------------------------------------------------------------------------- records
def test_clusters_are_those_of_the_rows():
    found = clusters()
    assert len(found) == N
    assert found.row.tolist() == [2, 3, 4, 5, 6, 7]
    assert found.event.tolist() == [1, 1, 2, 2, 3, 3]
    assert found.event_columns(by_content=False) == [["a.root", "b.root"] * 3, found.event.tolist()]
    a, b = named_source("a.root").id, named_source("b.root").id
    assert found.event_columns(by_content=True) == [[a, b] * 3, [1] * N, [1] * N, found.event.tolist()]


def test_sources_are_told_by_content_where_every_one_is_recorded():
    found = clusters()
    assert found.told_by_content
    assert not replace(found, source_ids=np.array(["11", ""])).told_by_content
    assert not replace(found, source_ids=None).told_by_content


def test_calibration_needs_a_temperature_and_keeps_the_order():
    assert "temperature" not in classes().arrays()
    found = classes().calibrated(2.0)
    assert found.arrays()["temperature"].dtype == np.float64
    assert np.all(np.abs(found.calibrated_scores[:, 1] - 0.5) < np.abs(found.scores[:, 1].astype(float) - 0.5))
    assert np.array_equal(np.argsort(found.calibrated_scores[:, 1]), np.argsort(found.scores[:, 1]))


def test_directions_beside_their_truth():
    assert np.allclose(directions().results().angle, 180)
    with pytest.raises(ValueError, match="truth: 6 rows are no unit vectors"):
        directions(true_direction_drift_frame=NOWHERE).results()


def test_truth_of_which_nothing_is_known_is_left_out():
    assert set(classes().arrays()) - set(classes().known_arrays()) == {"true_nu_energy"}
    blind = classes(labels=np.full(N, -1))
    assert set(blind.arrays()) - set(blind.known_arrays()) == {"labels", "true_nu_energy"}
    partly = np.where(np.arange(N) == 3, 1, -1)
    assert np.array_equal(classes(labels=partly).known_arrays()["labels"], partly)


# ---------------------------------------------------------------------------- files
@pytest.mark.parametrize("predictions", [classes(), classes().calibrated(2.0), directions()])
def test_a_file_gives_back_what_was_written(predictions, tmp_path):
    write_predictions(tmp_path / "a.npz", predictions)
    assert same(read_predictions(tmp_path / "a.npz", type(predictions)), predictions)


@pytest.mark.parametrize(
    "blind",
    [
        classes(labels=np.full(N, -1)),
        directions(is_es=np.full(N, -1), true_direction=NOWHERE, true_direction_drift_frame=NOWHERE),
    ],
)
def test_answers_without_truth_are_read_when_they_are_no_test(blind, tmp_path):
    write_answers(tmp_path / "a.npz", blind, {"format_version": np.int64(2)})
    written = read_npz(tmp_path / "a.npz")
    assert written["format_version"] == 2
    assert not {"labels", "is_es", "true_direction", "true_nu_energy", "row"} & set(written)
    found = read_predictions(tmp_path / "a.npz", type(blind), tested=False)
    ours, theirs = found.arrays(), blind.without_rows().arrays()
    assert list(ours) == list(theirs)
    assert all(np.array_equal(ours[name], theirs[name], equal_nan=theirs[name].dtype.kind == "f") for name in ours)


def test_a_part_that_was_tested_has_its_truth(tmp_path):
    write_answers(tmp_path / "a.npz", classes(labels=np.full(N, -1)), {})
    with pytest.raises(DataError, match=r"a\.npz: lacks the array labels and true_nu_energy; .*train the run again"):
        read_predictions(tmp_path / "a.npz", ClassPredictions)


@pytest.mark.parametrize("task", KINDS)
def test_the_arrays_are_those_that_older_runs_left(task, tmp_path):
    (path,) = OLDER.glob(f"output/{task}/**/test_predictions.npz")
    before = read_npz(path)
    found = read_predictions(path, KINDS[task])
    if task == "electron_direction":
        assert found.beside == {}
    write_predictions(tmp_path / "again.npz", found)
    again = read_npz(tmp_path / "again.npz")
    assert {name: array.dtype for name, array in again.items()} == {name: array.dtype for name, array in before.items()}
    assert all(np.array_equal(again[name], before[name], equal_nan=before[name].dtype.kind == "f") for name in before)


def test_what_still_older_code_did_not_record_is_not_known(tmp_path):
    later = ("run", "subrun", "source_ids", "apa", "face", "first_channel", "first_tick")
    arrays = {name: values for name, values in classes().arrays().items() if name not in later}
    np.savez(tmp_path / "a.npz", **arrays)
    found = read_predictions(tmp_path / "a.npz", ClassPredictions)
    assert all(getattr(found.clusters, name) is None for name in later)
    assert not found.clusters.told_by_content


NEVER_LEFT_OUT = {
    ClassPredictions: ("scores", "labels", "class_names", "sources", "source", "event", "match_id", "cluster_energy"),
    DirectionPredictions: ("direction_drift_frame", "is_es", "face", "outputs", "output_layout", "true_direction"),
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NEVER_LEFT_OUT.items() for name in names])
def test_an_array_that_is_missing_is_named(kind, name, tmp_path):
    arrays = (classes() if kind is ClassPredictions else directions()).arrays()
    arrays.pop(name)
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=rf"a\.npz: lacks the array {name}; "):
        read_predictions(tmp_path / "a.npz", kind)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("scores", np.full((N, 2), 0.3, np.float32)),
        ("scores", np.full((N, 2), np.nan, np.float32)),
        ("scores", np.zeros(N, np.float32)),
        ("labels", np.zeros(N - 1, int)),
        ("labels", np.full(N, 2)),
        ("labels", np.full(N, -1)),
        ("source", np.full(N, 2)),
        ("true_nu_energy", np.full(N, "high")),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name, values, tmp_path):
    np.savez(tmp_path / "a.npz", **{**classes().arrays(), name: values})
    with pytest.raises(DataError, match=rf"a\.npz: .*{name}.*train the run again, or leave it out"):
        read_predictions(tmp_path / "a.npz", ClassPredictions)


def test_directions_are_unit_vectors(tmp_path):
    write_predictions(tmp_path / "a.npz", directions(direction_drift_frame=np.zeros((N, 3))))
    with pytest.raises(DataError, match=r"a\.npz: predicted: 6 rows are no unit vectors"):
        read_predictions(tmp_path / "a.npz", DirectionPredictions)


def test_answers_of_another_kind_are_refused(tmp_path):
    write_predictions(tmp_path / "a.npz", classes())
    with pytest.raises(DataError, match="lacks the array direction"):
        read_predictions(tmp_path / "a.npz", DirectionPredictions)


def test_every_column_of_clusters_is_one_of_the_metadata():
    own = {"row", "sources", "source_ids"}
    assert {each.name for each in fields(Clusters)} - own <= set(empty_metadata(0).dtype.names)
