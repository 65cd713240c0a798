"""Reading real and made-up ROOT files; every kind of broken file is named with its problem."""

import contextlib

import numpy as np
import pytest
import uproot

from python.detector.geometry import DUNE_1X2X2, DUNE_1X2X6
from python.general_purpose_libs import DataError, start_logging
from python.ingest.readout import read_readout
from python.ingest.root_reader import read_source
from tests.ingest.root_files import (
    FOLDER,
    KINDS,
    TP_TREE,
    make_tps,
    real_columns,
    real_file,
    real_tree,
    tp_columns,
    write_root,
)

TPS = make_tps([(event, 1600 + c, 100, 3 + c, 1, 500, 200) for event in (7, 8) for c in range(3)])


@pytest.mark.root_data
@pytest.mark.parametrize("kind", KINDS)
def test_real_files_are_read_in_full(kind):
    source = read_source(real_file(kind), min_sot=0)
    raw = real_tree(kind, "tps")
    assert [each.name for each in source.sources] == [f"{kind}_tpstream.root"]
    assert source.events["event"].tolist() == np.unique(raw["Event"]).tolist()
    assert set(source.events["run"]) == set(raw["Run"])
    assert set(source.events["subrun"]) == set(raw["SubRun"])
    assert len(source.tps) == len(raw["channel"])
    assert source.tps.integral.sum() == raw["adc_integral"].sum()
    assert np.array_equal(source.tps.order(), np.arange(len(source.tps)))
    assert np.array_equal(source.tp_truth["bt_numelectrons"] > 0, source.tp_truth["bt_primary_track_id"] > -99999)
    plane = np.searchsorted([800, 1600], raw["channel"] % 2560, side="right")
    assert np.array_equal(plane, raw["readout_view"])


@pytest.mark.root_data
def test_short_primitives_are_left_out_but_their_events_are_not():
    assert read_source(real_file("es"), min_sot=2).tps.sot.min() == 2
    empty = read_source(real_file("es"), min_sot=10**4)
    assert (len(empty.tps), len(empty.events)) == (0, 10)


def test_detector_data_without_truth_are_read(tmp_path):
    source = read_source(write_root(tmp_path / "raw.root", {TP_TREE: tp_columns(TPS)}))
    assert source.events["event"].tolist() == [7, 8]
    assert source.tps.event.tolist() == [0, 0, 0, 1, 1, 1]
    assert (source.tp_truth, source.mctruths, source.mcparticles) == (None, None, None)


def test_the_makers_name_and_the_folder_are_free(tmp_path):
    path = write_root(tmp_path / "raw.root", {"other/TriggerPrimitives/maker_5": tp_columns(TPS)})
    assert len(read_source(path).tps) == len(TPS)


def test_events_of_several_runs_keep_apart(tmp_path):
    columns = tp_columns(TPS)
    columns["Event"][:] = 5
    columns["Run"] = TPS.event.astype(np.uint32)
    source = read_source(write_root(tmp_path / "runs.root", {TP_TREE: columns}))
    assert source.events[["run", "subrun", "event"]].tolist() == [(7, 0, 5), (8, 0, 5)]
    assert source.tps.event.tolist() == [0, 0, 0, 1, 1, 1]


def refused(path, *words):
    with pytest.raises(DataError) as caught:
        read_source(path)
    text = str(caught.value)
    assert str(path) in text
    for word in words:
        assert word in text
    assert "\n" not in text


def test_trees_without_entries_are_named(tmp_path):
    nothing = tp_columns(TPS.take(np.zeros(0, int)))
    refused(write_root(tmp_path / "none.root", {TP_TREE: nothing}), "its trees have no entries", "leave it out")
    ntuple = tmp_path / "ntuple.root"
    with uproot.recreate(ntuple) as file:
        file.mkrntuple(TP_TREE, nothing)
    refused(ntuple, "its trees have no entries")


def test_the_order_of_entries_does_not_matter(tmp_path):
    """Within an event times may run backwards."""
    backwards = {name: column[::-1] for name, column in tp_columns(TPS).items()}
    sources = [
        read_source(write_root(tmp_path / f"{i}.root", {TP_TREE: each}))
        for i, each in enumerate((tp_columns(TPS), backwards))
    ]
    for name in ("event", "channel", "start", "sot", "to_peak", "integral", "peak"):
        np.testing.assert_array_equal(getattr(sources[0].tps, name), getattr(sources[1].tps, name))


def test_files_that_are_not_there_or_not_root_are_named(tmp_path):
    refused(tmp_path / "nothing.root", "no such file")
    refused(tmp_path, "is a folder")
    (tmp_path / "zero.root").touch()
    refused(tmp_path / "zero.root", "0 bytes")
    (tmp_path / "text.root").write_text("hello, this is no ROOT file")
    refused(tmp_path / "text.root", "not a ROOT file", "hell")


@pytest.mark.root_data
@pytest.mark.parametrize("kept", [4, 60, 400, 20_000, 200_000])
def test_truncated_files_are_named(tmp_path, kept):
    path = tmp_path / "cut.root"
    path.write_bytes(real_file("es").read_bytes()[:kept])
    refused(path, "damaged or incomplete")


@pytest.mark.root_data
def test_damage_within_a_file_is_named_or_harmless(tmp_path):
    """Sixteen bytes overwritten at many places: reading works or raises DataError, nothing else."""
    content = real_file("es").read_bytes()
    path = tmp_path / "hurt.root"
    for position in range(100, len(content), len(content) // 40):
        path.write_bytes(content[:position] + bytes(range(200, 216)) + content[position + 16 :])
        with contextlib.suppress(DataError):
            read_source(path)


def test_missing_trees_and_branches_are_named(tmp_path):
    refused(
        write_root(tmp_path / "a.root", {f"{FOLDER}/mctruths": {"pdg": np.zeros(2, np.int32)}}),
        "TriggerPrimitives",
        "mctruths",
    )
    columns = tp_columns(TPS)
    del columns["adc_peak"]
    refused(write_root(tmp_path / "b.root", {TP_TREE: columns}), "adc_peak", "samples_to_peak")
    two = {f"{FOLDER}/TriggerPrimitives/{name}": tp_columns(TPS) for name in ("one", "two")}
    refused(write_root(tmp_path / "c.root", two), "several", "one", "two")


@pytest.mark.root_data
@pytest.mark.parametrize(
    ("tree", "branch", "named"),
    [
        (TP_TREE, "bt_primary_track_id", "bt_primary_track_id"),
        (f"{FOLDER}/mctruths", "status_code", "mctruths/status_code"),
        (f"{FOLDER}/mctruths", "Event", "mctruths/Event"),
        (f"{FOLDER}/mcparticles", None, "mcparticles"),
    ],
)
def test_truth_that_a_file_lacks_is_unknown_and_named(tmp_path, tree, branch, named, capsys):
    """Products are those of the whole file; of labels those stay that need nothing that lacks."""
    whole, trees = read_readout(real_file("es")), real_columns("es")
    if branch:
        del trees[tree][branch]
    else:
        del trees[tree]
    start_logging(verbose=False)
    found = read_readout(write_root(tmp_path / "a.root", trees))
    assert (
        f"lacks the simulation truth {named}; labels that it would give are recorded as unknown"
        in capsys.readouterr().err
    )
    np.testing.assert_array_equal(found.tps.integral, whole.tps.integral)
    assert (found.signal is None) == (tree == TP_TREE)
    assert np.all(found.truth.is_es == (-1 if "mctruths" in tree else 1))


@pytest.mark.root_data
def test_charge_of_several_generators_is_told_apart_by_the_particles_alone(tmp_path):
    trees = real_columns("es")
    trees[f"{FOLDER}/mctruths"]["block_id"][::2] = 3
    del trees[f"{FOLDER}/mcparticles"]
    assert read_readout(write_root(tmp_path / "a.root", trees)).signal is None


def test_channels_of_another_detector_are_refused(tmp_path):
    columns = tp_columns(TPS)
    columns["channel"][2] = 31000
    known = ("dune10kt_1x2x2", "dune10kt_1x2x6")
    refused(write_root(tmp_path / "vd.root", {TP_TREE: columns}), "31000", *known, "leave it out")


@pytest.mark.parametrize(("highest", "geometry"), [(10239, DUNE_1X2X2), (10240, DUNE_1X2X6), (30719, DUNE_1X2X6)])
def test_the_smallest_geometry_with_the_channels_is_recognised(tmp_path, highest, geometry):
    columns = tp_columns(TPS)
    columns["channel"][2] = highest
    (source,) = read_source(write_root(tmp_path / "a.root", {TP_TREE: columns})).sources
    assert source.geometry == geometry
