"""Cascades of 40K: energy, level energies, delays, and agreement with events of the MARLEY generator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.physics import charged_current as cc
from python.simulation.deexcitation import ALPHA, CHANNELS, NEUTRON, PHOTON, PROTON, decay_scheme, deexcite
from tests.ingest.root_files import real_tree


def separation_energy(emitted, n_events):
    """What freeing the emitted particles took, in order of emission."""
    total, nucleus = np.zeros(n_events), ["K40"] * n_events
    for event, pdg in zip(emitted.event, emitted.pdg, strict=True):
        if pdg != PHOTON:
            _, nucleus[event], energy = next(c for c in CHANNELS[nucleus[event]] if c[0] == pdg)
            total[event] += energy
    return total


def share(emitted, pdg, n_events):
    return len(np.unique(emitted.event[emitted.pdg == pdg])) / n_events


@given(st.lists(st.floats(0.0, 60.0), min_size=1, max_size=40), st.integers(0, 2**32))
def test_energy_is_conserved(excitation, seed):
    emitted = deexcite(np.array(excitation), np.random.default_rng(seed))
    total = np.bincount(emitted.event, emitted.energy, len(excitation)) + separation_energy(emitted, len(excitation))
    assert total == pytest.approx(excitation, abs=1e-9)
    assert (emitted.energy > 0).all()
    assert (np.diff(emitted.event) >= 0).all()


def test_the_scheme_is_a_scheme():
    scheme = decay_scheme()
    assert (np.diff(scheme.cumulative) > 0).all()
    assert (np.diff(scheme.potassium) > 0).all()
    assert (scheme.energy > 0).all()
    # ground states of the nuclei, and nothing else, are stable
    assert scheme.is_stable.sum() == 6
    assert set(cc.allowed_levels().excitation) <= set(scheme.potassium)


def test_the_analogue_state_decays_through_the_isomers():
    """4.384 -> 2.290 or 2.730 -> ... -> 1.644 (336 ns) -> ... -> 0.030 MeV (4.2 ns)."""
    count = 20000
    emitted = deexcite(np.full(count, 4.3837), np.random.default_rng(1))
    assert set(emitted.pdg.tolist()) == {PHOTON}

    def fraction(energy):
        return np.sum(np.abs(emitted.energy - energy) < 2e-4) / count

    assert fraction(2.0938) == pytest.approx(0.758, abs=0.02)
    assert fraction(1.6533) == pytest.approx(0.242, abs=0.02)
    isomer = np.abs(emitted.energy - 1.61381) < 2e-4
    assert np.median(emitted.time[isomer]) == pytest.approx(0.336, rel=0.05)
    prompt = np.abs(emitted.energy - 2.0938) < 2e-4
    assert emitted.time[prompt].max() == 0
    assert fraction(0.02983) > 0.8


@pytest.mark.parametrize("excitation", [7.6, 7.795])
def test_below_the_neutron_threshold_only_photons_leave(excitation):
    emitted = deexcite(np.full(500, excitation), np.random.default_rng(2))
    assert set(emitted.pdg.tolist()) == {PHOTON}


def test_just_above_it_neutrons_leave():
    emitted = deexcite(np.full(500, 7.952), np.random.default_rng(3))
    assert emitted.pdg.tolist() == [NEUTRON] * 500
    assert emitted.energy == pytest.approx(7.952 - 7.7996)


def test_the_giant_resonance_emits_mostly_neutrons_and_some_protons():
    emitted = deexcite(np.full(5000, 16.23323), np.random.default_rng(4))
    neutrons, protons, alphas = (share(emitted, pdg, 5000) for pdg in (NEUTRON, PROTON, ALPHA))
    assert neutrons > protons > alphas > 0.01
    assert neutrons + protons + alphas > 0.99
    # the Coulomb barrier: few protons below 3 MeV, no alphas below 6
    assert np.mean(emitted.energy[emitted.pdg == PROTON] < 3.0) < 0.05
    assert emitted.energy[emitted.pdg == ALPHA].min() > 6.0


def test_a_flat_spectrum_against_marley():
    """50 events of MARLEY 1.2, neutrinos of 4 to 68 MeV: 2.82 photons of 3.5 MeV in all (median 4.4), neutrons in
    14 %, protons in 12 %. The tolerances are about two standard deviations.
    """
    count, rng = 20000, np.random.default_rng(5)
    excitation = cc.allowed_levels().excitation[cc.sample_level(cc.sample_flat((4.0, 68.0), count, rng), rng)]
    emitted = deexcite(excitation, rng)
    photons = emitted.pdg == PHOTON
    total = np.bincount(emitted.event[photons], emitted.energy[photons], count)
    assert photons.sum() / count == pytest.approx(2.82, abs=0.4)
    assert total.mean() == pytest.approx(3.5, abs=0.5)
    assert np.median(total) == pytest.approx(4.4, abs=0.1)
    assert share(emitted, NEUTRON, count) == pytest.approx(0.14, abs=0.11)
    assert share(emitted, PROTON, count) == pytest.approx(0.12, abs=0.09)
    assert np.quantile(emitted.energy[photons], [0.05, 0.5, 0.95]) == pytest.approx([0.03, 1.1, 3.7], rel=0.2)


@pytest.mark.root_data
def test_photons_of_the_same_levels_as_in_simulated_events():
    """Charged-current events of the official simulation (MARLEY) that stay below the particle thresholds."""
    truth = real_tree("cc", "mctruths")
    event = np.unique(truth["Event"], return_inverse=True)[1]
    energy, before = 1e3 * truth["energy"], truth["status_code"] == 0
    nu_energy = energy[before & (truth["pdg"] == 12)]
    electron = energy[~before & (truth["pdg"] == 11)] - cc.ELECTRON_MASS_MEV
    excitation = nu_energy - cc.MASS_DIFFERENCE_MEV - electron
    is_photon = truth["pdg"] == PHOTON
    photons, total = np.bincount(event[is_photon]), np.bincount(event[is_photon], energy[is_photon])
    bound = np.flatnonzero(excitation < 7.9)
    # what is missing is the recoil of the nucleus
    recoil = excitation[bound] - total[bound]
    assert -1e-3 < recoil.min() < recoil.max() < 0.2

    repeats = 200
    emitted = deexcite(np.repeat(excitation[bound], repeats), np.random.default_rng(9))
    assert len(emitted.event) / repeats / len(bound) == pytest.approx(photons[bound].mean(), abs=0.2)


def test_negative_excitation_is_refused():
    with pytest.raises(ValueError, match="negative"):
        deexcite(np.array([1.0, -0.1]), np.random.default_rng(6))


def test_the_ground_state_emits_nothing():
    assert len(deexcite(np.zeros(3), np.random.default_rng(7)).event) == 0


def test_cascades_repeat_with_the_generator():
    first, second = (deexcite(np.linspace(2, 30, 50), np.random.default_rng(8)) for _ in range(2))
    assert first.energy.tobytes() == second.energy.tobytes()
    assert first.time.tobytes() == second.time.tobytes()
