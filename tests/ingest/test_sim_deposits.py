"""True charge of simulated files: units, places, events, and files that have none."""

import numpy as np
import pytest

from python.detector.geometry import U, V, X, drift_ticks, expected_channel, locate_channel
from python.general_purpose_libs import DataError
from python.ingest.root_reader import read_source
from python.ingest.sim_deposits import read_sim_deposits
from tests.ingest.root_files import FOLDER, KINDS, TP_TREE, make_tps, real_file, real_tree, tp_columns, write_root

TPS = make_tps([(event, 1600, 100, 3, 1, 500, 200) for event in (7, 9)])


def simides(event, channel, tick) -> dict[str, np.ndarray]:
    n = len(event)
    columns = {"Run": np.ones(n, np.uint32), "SubRun": np.zeros(n, np.uint32), "Event": np.array(event, np.uint32)}
    columns |= {"channel": np.array(channel, np.uint32), "timestamp": np.array(tick, np.uint16)}
    return columns | {name: np.arange(n, dtype=np.float32) for name in ("numelectrons", "energy", "x", "y", "z")}


@pytest.mark.root_data
@pytest.mark.parametrize("kind", KINDS)
def test_energies_are_mev_and_every_plane_sees_all(kind):
    deposits = read_sim_deposits(real_file(kind))
    plane = locate_channel(deposits.channel).plane
    energy = np.bincount(plane, deposits.energy)
    assert energy == pytest.approx(np.full(3, energy.mean()), rel=5e-3)
    if kind == "es":
        assert energy.mean() == pytest.approx(135.8, rel=1e-3)
        truth = real_tree(kind, "mctruths")
        electron = (truth["status_code"] == 1) & (truth["pdg"] == 11)
        kinetic = 1000 * truth["energy"][electron] - 0.511
        event = deposits.event[plane == X]
        share = np.bincount(event, deposits.energy[plane == X]) / kinetic
        assert np.median(share) == pytest.approx(0.997, abs=0.003)
        assert share.max() < 1.001
    assert 22_000 < deposits.electrons.sum() / deposits.energy.sum() < 25_500


@pytest.mark.root_data
@pytest.mark.parametrize("kind", KINDS)
def test_charge_lies_where_the_wire_map_says(kind):
    deposits = read_sim_deposits(real_file(kind))
    place = locate_channel(deposits.channel)
    for plane in (U, V, X):
        mine = place.plane == plane
        off = (place.local[mine] - expected_channel(plane, *deposits.position[mine].T) + 400) % 800 - 400
        assert np.abs(off).max() <= 3
    ticks = deposits.tick - drift_ticks(deposits.position[:, 0])
    assert np.median(ticks) == pytest.approx(0, abs=0.1)


@pytest.mark.root_data
def test_events_are_those_of_the_primitives():
    path = real_file("es")
    source, deposits = read_source(path), read_sim_deposits(path)
    numbers = source.events["event"][deposits.event]
    raw = real_tree("es", "simides")
    assert np.array_equal(np.sort(numbers), np.sort(raw["Event"]))
    assert np.array_equal(np.lexsort((deposits.tick, deposits.channel, deposits.event)), np.arange(len(deposits.event)))


def test_events_count_as_in_the_source_though_some_have_no_charge(tmp_path):
    trees = {TP_TREE: tp_columns(TPS), f"{FOLDER}/simides": simides([9, 9, 5], [1601, 1600, 3], [20, 10, 1])}
    deposits = read_sim_deposits(write_root(tmp_path / "a.root", trees))
    assert deposits.event.tolist() == [1, 1]  # event 5 is unknown to the rest of the file
    assert deposits.channel.tolist() == [1600, 1601]
    assert deposits.electrons.tolist() == [1, 0]


def test_a_file_without_true_charge_is_named(tmp_path):
    path = write_root(tmp_path / "data.root", {TP_TREE: tp_columns(TPS)})
    with pytest.raises(DataError, match=r"data\.root: needs one tree simides"):
        read_sim_deposits(path)
    with pytest.raises(DataError, match="no such file"):
        read_sim_deposits(tmp_path / "absent.root")
