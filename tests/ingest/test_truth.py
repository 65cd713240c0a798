"""Interaction, electron and labels, on real events and on made-up ones with backgrounds."""

import numpy as np
import pytest

from python.detector.calibration import adc_per_mev
from python.ingest.clustering import ClusterSettings, make_clusters
from python.ingest.root_reader import SourceFile, read_source
from python.ingest.truth import event_truth, label_clusters, signal_tps
from tests.ingest.root_files import make_tps, real_file

ELECTRON_MASS = 0.51099895


@pytest.mark.root_data
@pytest.mark.parametrize(("kind", "is_es"), [("es", 1), ("cc", 0)])
def test_real_interactions_are_recognised_from_their_target(kind, is_es):
    truth = event_truth(read_source(real_file(kind)))
    assert np.all(truth.is_es == is_es)
    assert np.all(np.isfinite(truth.electron_energy))
    assert np.linalg.norm(truth.nu_momentum, axis=1) * 1e3 == pytest.approx(truth.nu_energy, rel=1e-6)
    assert np.all(truth.electron_energy < truth.nu_energy)
    assert np.abs(truth.vertex).max() < 610


@pytest.mark.root_data
def test_elastic_electrons_obey_the_kinematics():
    """cos = (E + m) / E * sqrt(T / (T + 2m)) for elastic scattering off an electron at rest."""
    truth = event_truth(read_source(real_file("es")))
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (truth.nu_momentum, truth.electron_momentum)]
    energy, kinetic = truth.nu_energy, truth.electron_energy
    expected = (energy + ELECTRON_MASS) / energy * np.sqrt(kinetic / (kinetic + 2 * ELECTRON_MASS))
    assert np.sum(unit[0] * unit[1], axis=1) == pytest.approx(expected, abs=1e-4)


def table(*rows):
    """`mctruths` from rows of (event, block, pdg, status, pz)."""
    columns = np.array(rows, float).T
    names = ("event", "block_id", "pdg", "status_code", "pz")
    made = {name: column if name == "pz" else column.astype(int) for name, column in zip(names, columns, strict=True)}
    zero = np.zeros(len(rows))
    return {**made, "px": zero, "py": zero, "energy": np.abs(made["pz"]), "x": zero + 1.0, "y": zero, "z": zero}


def source_of(mctruths, tps=None, tracks=(), particles=()):
    tps = tps if tps is not None else make_tps([])
    truth = {
        "bt_numelectrons": np.where(np.array(tracks) > -99999, 1000.0, 0.0),
        "bt_primary_track_id": np.array(tracks),
    }
    columns = np.array(particles, int).reshape(-1, 3).T
    mcparticles = dict(zip(("event", "g4_track_id", "truth_block_id"), columns, strict=True))
    return SourceFile([], np.arange(3), tps, truth, mctruths, mcparticles)


def test_interactions_that_are_neither_stay_unknown():
    """A neutral current (no electron), an event whose only block has no neutrino, and one without truth."""
    truths = table(
        (0, 0, 14, 0, 0.03), (0, 0, 1000180400, 0, 0), (0, 0, 14, 1, 0.02), (0, 0, 22, 1, 0.01), (1, 0, 11, 1, 0.001)
    )
    truth = event_truth(source_of(truths))
    assert truth.is_es.tolist() == [-1, -1, -1]
    assert np.all(np.isnan(truth.electron_energy))
    assert truth.nu_energy[0] == pytest.approx(30.0)
    assert np.isnan(truth.nu_energy[1])


def test_the_neutrinos_block_counts_not_the_first():
    truths = table(
        (0, 0, 11, 1, 0.001), (0, 4, 12, 0, 0.02), (0, 4, 11, 0, 0.0), (0, 4, 12, 1, 0.005), (0, 4, 11, 1, 0.015)
    )
    truth = event_truth(source_of(truths))
    assert truth.is_es[0] == 1
    assert truth.electron_momentum[0].tolist() == [0.0, 0.0, 0.015]


def test_charge_of_other_generators_is_no_signal():
    """Blocks 0-2 are a radiological generator's (its number in `mctruths` is the first), block 3 the neutrino's."""
    truths = table((0, 0, 11, 1, 0.001), (0, 3, 12, 0, 0.02), (0, 3, 11, 0, 0.0), (0, 3, 11, 1, 0.015))
    particles = [(0, 1, 0), (0, 2, 2), (0, 3, 3), (1, 1, 3)]
    tps = make_tps([(0, 1600 + i, 100, 5, 2, 500, 200) for i in range(6)])
    source = source_of(truths, tps, [1, 2, 3, -3, 99, -99999], particles)
    assert signal_tps(source).tolist() == [False, False, True, True, False, False]


def test_main_clusters_are_the_most_energetic_neutrino_clusters():
    """Per event and plane; a background cluster is never one, whatever its energy."""
    rows = []
    for event, channel, adc in ((0, 1600, 4100), (0, 1700, 8200), (0, 1800, 41000), (0, 100, 5000), (1, 1600, 4100)):
        rows += [(event, channel + i, 100, 6, 3, adc, 300) for i in (0, 1)]
    tps = make_tps(rows)
    clusters = make_clusters(tps, ClusterSettings(), adc_per_mev("measured"))
    background = tps.channel // 2 == 900  # both primitives of 1800
    is_marley, is_main = label_clusters(clusters, tps.integral, ~background)
    by_place = dict(
        zip(zip(clusters.event, clusters.plane, clusters.energy.round(), strict=True), is_main, strict=True)
    )
    assert by_place == {(0, 0, 10): 1, (0, 2, 2): 0, (0, 2, 4): 1, (0, 2, 20): 0, (1, 2, 2): 1}
    assert is_marley.tolist().count(0) == 1


def test_a_cluster_is_the_neutrinos_when_most_of_its_charge_is():
    tps = make_tps([(0, 1600, 100, 6, 3, 6000, 300), (0, 1601, 100, 6, 3, 3000, 300), (0, 1602, 100, 6, 3, 2000, 300)])
    clusters = make_clusters(tps, ClusterSettings(), adc_per_mev("measured"))
    assert label_clusters(clusters, tps.integral, np.array([True, False, False]))[0].tolist() == [1]
    assert label_clusters(clusters, tps.integral, np.array([False, True, True]))[0].tolist() == [0]


def test_without_truth_labels_are_unknown():
    tps = make_tps([(0, 1600 + i, 100, 6, 3, 6000, 300) for i in range(3)])
    clusters = make_clusters(tps, ClusterSettings(), adc_per_mev("measured"))
    assert [labels.tolist() for labels in label_clusters(clusters, tps.integral, None)] == [[-1], [-1]]
