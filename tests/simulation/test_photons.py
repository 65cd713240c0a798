"""Photons against the formula of Klein and Nishina and the coefficients of XCOM."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from python.detector.geometry import DUNE_1X2X2
from python.physics.constants import ELECTRON_MASS_MEV
from python.physics.materials import (
    ATTENUATION,
    COMPTON_SHARE,
    PAIR_SHARE,
    grid_position,
    lookup,
    photon_table,
)
from python.simulation.photons import compton_share, follow_photon, make_pair, scatter_photon
from python.simulation.tracks import (
    ELECTRON,
    ENERGY,
    FROM_PHOTON,
    KIND,
    MAX_Z,
    PHOTON,
    POSITRON,
    TRACK_COLUMNS,
    Stack,
    U,
    W,
    Z,
)

SAMPLES = 20_000


def new_photon(energy: float) -> np.ndarray:
    track = np.zeros(TRACK_COLUMNS)
    track[W], track[ENERGY], track[KIND], track[MAX_Z] = 1.0, energy, PHOTON, DUNE_1X2X2.max_z_cm
    return track


def klein_nishina(cosine, energy):
    """dsigma/dcos but for its scale."""
    share = 1 / (1 + energy / ELECTRON_MASS_MEV * (1 - cosine))
    return share**2 * (share + 1 / share - 1 + cosine**2)


@pytest.mark.parametrize("energy", [0.1, 0.5, 1.0, 5.0, 30.0])
def test_compton_scattering_is_klein_and_nishinas(energy):
    rng = np.random.default_rng(1)
    share = np.array([compton_share(energy, rng) for _ in range(SAMPLES)])
    cosine = 1 - ELECTRON_MASS_MEV / energy * (1 / share - 1)

    def mean(moment):
        total = integrate.quad(klein_nishina, -1, 1, (energy,), limit=200)[0]
        return integrate.quad(lambda c: moment(c) * klein_nishina(c, energy), -1, 1, limit=200)[0] / total

    tolerance = 4 / math.sqrt(SAMPLES)
    assert cosine.min() >= -1 - 1e-12
    assert cosine.mean() == pytest.approx(mean(lambda c: c), abs=tolerance * cosine.std())
    assert (cosine**2).mean() == pytest.approx(mean(lambda c: c * c), abs=tolerance * (cosine**2).std())
    expected = mean(lambda c: 1 / (1 + energy / ELECTRON_MASS_MEV * (1 - c)))
    assert share.mean() == pytest.approx(expected, abs=tolerance * share.std())


@pytest.mark.parametrize("energy", [0.05, 1.0, 20.0])
def test_compton_scattering_keeps_energy_and_momentum(energy):
    rng, tracks = np.random.default_rng(2), np.empty((4, TRACK_COLUMNS))
    for _ in range(100):
        assert scatter_photon(new_photon(energy), Stack(tracks, 0), rng).depth == 2
        photon, electron = tracks[0], tracks[1]
        assert (photon[KIND], electron[KIND]) == (PHOTON, ELECTRON)
        assert photon[ENERGY] + electron[ENERGY] == pytest.approx(energy, rel=1e-12)
        momentum = math.sqrt(electron[ENERGY] * (electron[ENERGY] + 2 * ELECTRON_MASS_MEV))
        total = photon[ENERGY] * photon[U : W + 1] + momentum * electron[U : W + 1]
        np.testing.assert_allclose(total, [0, 0, energy], atol=1e-6 * energy)


@pytest.mark.parametrize("energy", [0.06, 0.5, 2.0, 15.0])
def test_free_paths_and_processes_are_those_of_xcom(energy):
    rng, table, tracks = np.random.default_rng(3), photon_table(), np.empty((8, TRACK_COLUMNS))
    paths, kinds = [], []
    for _ in range(SAMPLES):
        track = new_photon(energy)
        stack, lost = follow_photon(track, Stack(tracks, 0), table, rng)
        if lost == 0:  # some go more than the 463 cm of the volume
            paths.append(track[Z])
            kinds.append({1: "absorbed", 2: "pair" if tracks[1, KIND] == POSITRON else "compton"}[stack.depth])
        else:
            assert lost == energy
    assert (tracks[0, FROM_PHOTON], len(paths)) == (1.0, pytest.approx(SAMPLES, abs=5))
    position = grid_position(energy)
    attenuation = lookup(table, ATTENUATION, position)
    assert stats.kstest(paths, "expon", (0, 1 / attenuation)).pvalue > 1e-4
    for process, column in (("compton", COMPTON_SHARE), ("pair", PAIR_SHARE)):
        assert kinds.count(process) / len(kinds) == pytest.approx(lookup(table, column, position), abs=0.015)


def test_pairs_take_what_their_masses_leave_along_the_photon():
    rng, tracks = np.random.default_rng(4), np.empty((4, TRACK_COLUMNS))
    energy, cosines, shares = 20.0, [], []
    for _ in range(3000):
        assert make_pair(new_photon(energy), Stack(tracks, 0), rng).depth == 2
        assert tracks[:2, ENERGY].sum() == pytest.approx(energy - 2 * ELECTRON_MASS_MEV, rel=1e-12)
        assert sorted(tracks[:2, KIND]) == [ELECTRON, POSITRON]
        cosines.append(tracks[0, W])
        shares.append(tracks[0, ENERGY] / (energy - 2 * ELECTRON_MASS_MEV))
    assert stats.kstest(shares, "uniform").pvalue > 1e-4
    # half within an angle of about mass / energy
    assert np.median(np.arccos(cosines)) == pytest.approx(2 * ELECTRON_MASS_MEV / energy, rel=0.4)


def test_photons_below_the_cut_are_absorbed_where_they_are():
    stack = Stack(np.empty((4, TRACK_COLUMNS)), 0)
    (tracks, depth), lost = follow_photon(new_photon(0.02), stack, photon_table(), np.random.default_rng(5))
    assert (depth, lost, tracks[0, KIND], tracks[0, ENERGY], tracks[0, Z]) == (1, 0.0, ELECTRON, 0.02, 0.0)
