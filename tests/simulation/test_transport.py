"""Events in the whole: energy is kept, nothing depends on orientation, and what comes from photons is where it should be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python.detector.geometry import DUNE_1X2X2
from python.general_purpose_libs import DataError
from python.physics.constants import ELECTRON_MASS_MEV
from python.simulation.nucleons import CAPTURE_TIME_US, LEVELS, NEUTRON_SEPARATION_MEV, TRANSITIONS, branching
from python.simulation.records import Particles
from python.simulation.transport import transport

CENTRE = (180.0, 0.0, 230.0)
ELECTRON, POSITRON, PHOTON, NEUTRON, PROTON, ALPHA = 11, -11, 22, 2112, 2212, 1000020040


def make_particles(energy, pdg=ELECTRON, direction=(0.0, 0.0, 1.0), position=CENTRE, event=None) -> Particles:
    energy = np.asarray(energy, float)
    count = len(energy)
    return Particles(
        event=np.arange(count) if event is None else np.asarray(event),
        pdg=np.broadcast_to(np.asarray(pdg, np.int64), count).copy(),
        energy=energy,
        position=np.broadcast_to(np.asarray(position, float), (count, 3)).copy(),
        direction=np.broadcast_to(np.asarray(direction, float), (count, 3)).copy(),
        time=np.linspace(0, 1, count),
        is_signal=np.arange(count) % 2 == 0,
    )


def run(particles, seed=0, n_events=None):
    return transport(particles, np.random.default_rng(seed), n_events)


LOWEST, HIGHEST = DUNE_1X2X2.corners


@st.composite
def any_particles(draw):
    count = draw(st.integers(1, 6))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    direction = generator.normal(size=(count, 3))
    position = generator.uniform(LOWEST - 5, HIGHEST + 5, (count, 3))
    pdg = draw(
        st.lists(st.sampled_from([ELECTRON, POSITRON, PHOTON, NEUTRON, PROTON, ALPHA]), min_size=count, max_size=count)
    )
    energy = draw(st.lists(st.floats(0, 60), min_size=count, max_size=count))
    event = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    return make_particles(energy, pdg, direction / np.linalg.norm(direction, axis=1, keepdims=True), position, event)


@settings(max_examples=60)
@given(any_particles(), st.integers(0, 2**32))
def test_energy_is_kept(particles, seed):
    deposits, escaped = run(particles, seed, n_events=4)
    given_energy = particles.energy + 2 * ELECTRON_MASS_MEV * (particles.pdg == POSITRON)
    expected = np.bincount(particles.event, given_energy, minlength=4)
    total = np.bincount(deposits.event, deposits.energy, minlength=4) + escaped
    captures = np.bincount(particles.event, particles.pdg == NEUTRON, minlength=4) * NEUTRON_SEPARATION_MEV
    np.testing.assert_allclose(total, expected, rtol=1e-9, atol=1e-9)
    assert (escaped > -captures - 1e-9).all()
    assert (deposits.energy > 0).all()
    assert (deposits.length > 0).all()
    assert (np.diff(deposits.event) >= 0).all()
    np.testing.assert_array_equal(deposits.event, particles.event[deposits.particle])
    np.testing.assert_array_equal(deposits.is_signal, particles.is_signal[deposits.particle])
    assert ((deposits.position >= LOWEST) & (deposits.position <= HIGHEST)).all()


def test_one_seed_gives_one_result():
    particles = make_particles(np.linspace(0.1, 30, 40), [ELECTRON, POSITRON, PHOTON, NEUTRON] * 10)
    first, second, other = run(particles, 3), run(particles, 3), run(particles, 4)
    assert first[1].tobytes() == second[1].tobytes()
    for name in vars(first[0]):
        assert getattr(first[0], name).tobytes() == getattr(second[0], name).tobytes()
    assert first[0].energy.tobytes() != other[0].energy.tobytes()


def test_electrons_deep_inside_lose_nothing():
    deposits, escaped = run(make_particles(np.full(50, 3.0)))
    assert np.abs(escaped).max() == 0
    np.testing.assert_allclose(np.bincount(deposits.event, deposits.energy), 3.0, rtol=1e-12)
    # a MIP's loss, as recombination sees it
    tracks = ~deposits.from_photon & (deposits.length > 0.02)
    assert np.median(deposits.energy[tracks] / deposits.length[tracks]) == pytest.approx(1.7, abs=0.2)
    assert deposits.length.max() <= 0.03


def test_result_does_not_depend_on_orientation():
    """Lengths along and across of what electrons leave, for three directions."""
    rotations = [np.eye(3), np.eye(3)[[2, 0, 1]], np.array([[0.6, 0, 0.8], [0, 1, 0], [-0.8, 0, 0.6]]).T]
    along, across, blips = [], [], []
    for seed, rotation in enumerate(rotations):
        deposits, _ = run(make_particles(np.full(600, 15.0), direction=rotation[2]), seed)
        local = (deposits.position - CENTRE) @ rotation.T
        track = ~deposits.from_photon
        weights = deposits.energy[track] / deposits.energy[track].sum()
        along.append(weights @ local[track, 2])
        across.append((weights @ local[track, 0] ** 2, weights @ local[track, 1] ** 2))
        blips.append(deposits.energy[deposits.from_photon].sum() / deposits.energy.sum())
    np.testing.assert_allclose(along, np.mean(along), rtol=0.06)
    np.testing.assert_allclose(across, np.mean(across), rtol=0.15)
    np.testing.assert_allclose(blips, np.mean(blips), rtol=0.15)


def test_what_photons_leave_lies_forward():
    deposits, _ = run(make_particles(np.full(400, 20.0)))
    photons = deposits.take(deposits.from_photon)
    energy = np.bincount(photons.event, photons.energy, minlength=400)
    centroid = np.bincount(photons.event, photons.energy * (photons.position[:, 2] - CENTRE[2]), minlength=400)
    some = energy > 0.5
    assert some.mean() > 0.5
    assert np.mean(centroid[some] > 0) > 0.9
    # between the radiation yield and what the photons of a few MeV carry back into view
    assert energy.sum() / (400 * 20) == pytest.approx(0.187, abs=0.03)
    apart = np.linalg.norm(photons.position - CENTRE, axis=1)
    assert 5 < np.median(apart) < 40
    assert not deposits.from_photon[np.unique(deposits.event, return_index=True)[1]].any()


def test_everything_of_a_photon_descends_from_a_photon():
    deposits, _ = run(make_particles(np.full(30, 6.0), PHOTON))
    assert deposits.from_photon.all()


def test_positrons_end_in_two_photons():
    deposits, escaped = run(make_particles(np.full(200, 1.0), POSITRON))
    assert np.abs(escaped).max() == 0
    photons = deposits.take(deposits.from_photon)
    assert photons.energy.sum() / 200 == pytest.approx(2 * ELECTRON_MASS_MEV, abs=0.05)
    # back to back, so what they leave lies on both sides
    mean = np.average(photons.position, axis=0, weights=photons.energy) - CENTRE
    assert np.abs(mean).max() < 2.0


def test_charged_nuclei_stop_within_their_range():
    """NIST PSTAR and ASTAR: 5 and 20 MeV protons in argon 0.0577 and 0.6335 g/cm2, 5 MeV alphas 0.00654."""
    deposits, _ = run(make_particles([5.0, 20.0, 5.0], [PROTON, PROTON, ALPHA]))
    np.testing.assert_allclose(deposits.length * 1.396, [0.0577, 0.6335, 0.00654], rtol=0.06)
    np.testing.assert_array_equal(deposits.energy, [5.0, 20.0, 5.0])
    np.testing.assert_array_equal(deposits.time, [0.0, 0.5, 1.0])


def test_levels_of_the_capture_are_those_of_its_photons():
    """Strong photons of 40Ar(n, gamma): 167, 516, 838, 1187, 4745, 5582 keV."""
    start, end = TRANSITIONS[:, :2].astype(int).T
    photons = LEVELS[start] - LEVELS[end]
    for strong in (0.1673, 0.5161, 0.8377, 1.1868, 4.7450, 5.5828):
        assert np.abs(photons - strong).min() < 0.002
    chances = branching()
    np.testing.assert_array_equal(chances[:, -1], 1.0)
    assert (np.diff(chances, axis=1) >= 0).all()
    # always downwards
    np.testing.assert_array_equal(chances[np.arange(1, len(LEVELS)), np.arange(len(LEVELS) - 1)], 1.0)


def test_captured_neutrons_show_the_separation_energy_late():
    deposits, escaped = run(make_particles(np.full(1500, 0.05), NEUTRON, position=(180, 0, 230)))
    visible = np.bincount(deposits.event, deposits.energy, minlength=1500)
    assert deposits.from_photon.all()
    contained = np.isclose(visible, NEUTRON_SEPARATION_MEV, rtol=1e-9)
    assert contained.mean() > 0.4
    np.testing.assert_allclose(escaped[contained], 0.05 - NEUTRON_SEPARATION_MEV)
    first = np.unique(deposits.event, return_index=True)[1]
    assert deposits.time[first].mean() == pytest.approx(CAPTURE_TIME_US, rel=0.1)


def test_every_second_neutron_escapes_through_the_window_of_argon():
    slow, fast = (run(make_particles(np.full(3000, energy), NEUTRON))[0] for energy in (0.05, 0.5))
    assert len(np.unique(fast.event)) / len(np.unique(slow.event)) == pytest.approx(0.55, abs=0.06)


def test_fast_neutrons_excite_argon_at_once():
    deposits, _ = run(make_particles(np.full(300, 5.0), NEUTRON))
    prompt = deposits.time < 1.0001
    energy = np.bincount(deposits.event[prompt], deposits.energy[prompt], minlength=300)
    assert np.mean(np.isclose(energy, 1.461)) > 0.8


def test_what_starts_outside_escapes():
    _, escaped = run(
        make_particles([4.0, 4.0], [ELECTRON, POSITRON], position=(0, HIGHEST[1] + 1, 100), direction=(0, 1, 0))
    )
    np.testing.assert_allclose(escaped, [4.0, 4.0 + 2 * ELECTRON_MASS_MEV])


def test_events_without_particles_have_no_energy():
    deposits, escaped = run(make_particles([]), n_events=3)
    assert len(deposits) == 0
    np.testing.assert_array_equal(escaped, np.zeros(3))
    assert run(make_particles([1.0], event=[2]))[1].shape == (3,)


def test_particles_that_are_not_known_are_named():
    with pytest.raises(DataError, match="13"):
        run(make_particles([1.0], 13))


@pytest.mark.parametrize("energy", [-1.0, 101.0, np.nan])
def test_energies_beyond_the_tables_are_refused(energy):
    with pytest.raises(DataError, match="0-100 MeV"):
        run(make_particles([energy]))
