"""Interactions and their particles as a whole: conservation laws, spectra, directions, vertices, reproducibility."""

from dataclasses import fields

import numpy as np
import pytest
from scipy import stats

from python.detector.geometry import DUNE_1X2X2, MAX_X_CM, MAX_Y_CM, WIRE_PLANE_X_CM
from python.general_purpose_libs import ConfigError
from python.physics import charged_current, elastic_scattering
from python.physics.flux import FLUENCES
from python.physics.materials import GRID_END_MEV
from python.simulation.generator import (
    Electrons,
    Neutrinos,
    Source,
    expected_events,
    given_interactions,
    make_interactions,
)
from tests.simulation.test_deexcitation import separation_energy
from tests.simulation.test_marley_events import CC_EVENT, ES_EVENT, NEUTRON_EVENT, write

COUNT = 4000
MIXED = np.arange(COUNT) % 3 == 0
FLUXES = ["flat", "gkvm", "livermore"]


@pytest.fixture(scope="module", params=FLUXES)
def made(request):
    return make_interactions(MIXED, Source(request.param), np.random.default_rng(1))


def test_one_interaction_an_entry_and_its_electron_first(made):
    interactions, particles = made
    assert (interactions.is_es == MIXED).all()
    events, first = np.unique(particles.event, return_index=True)
    assert events.tolist() == list(range(COUNT))
    assert (np.diff(particles.event) >= 0).all()
    assert (particles.pdg[first] == 11).all()
    assert particles.energy[first].tolist() == interactions.electron_energy.tolist()
    assert particles.direction[first].tolist() == interactions.electron_direction.tolist()
    assert particles.position.tolist() == interactions.vertex[particles.event].tolist()
    assert particles.is_signal.all()
    heavy = particles.pdg > 22
    assert not (heavy[:-1] & ~heavy[1:] & (np.diff(particles.event) == 0)).any()


def test_records_have_the_promised_types(made):
    for record in made:
        assert {len(getattr(record, field.name)) for field in fields(record)} == {len(record)}
    interactions, particles = made
    assert (interactions.is_es.dtype, interactions.nu_pdg.dtype) == (np.int8, np.int64)
    assert (particles.event.dtype, particles.pdg.dtype, particles.is_signal.dtype) == (np.int64, np.int64, bool)


def test_energy_is_conserved(made):
    interactions, particles = made
    cc = interactions.is_es == 0
    outgoing = np.bincount(particles.event, particles.energy) + separation_energy(particles_emitted(particles), COUNT)
    expected = interactions.nu_energy - charged_current.MASS_DIFFERENCE_MEV
    assert outgoing[cc] == pytest.approx(expected[cc], abs=1e-9)
    assert (np.bincount(particles.event)[~cc] == 1).all()


def particles_emitted(particles):
    """All but photons and electrons; the order of two heavy particles is that of emission."""
    return particles.take(particles.pdg > 22)


def test_scattering_angles_are_exact(made):
    interactions, _ = made
    es = interactions.take(interactions.is_es == 1)
    cosine = (es.nu_direction * es.electron_direction).sum(axis=1)
    m = elastic_scattering.ELECTRON_MASS_MEV
    formula = (es.nu_energy + m) / es.nu_energy * np.sqrt(es.electron_energy / (es.electron_energy + 2 * m))
    assert cosine == pytest.approx(formula, abs=1e-9)


def test_directions_are_isotropic_and_unit(made):
    interactions, particles = made
    for vectors in (interactions.nu_direction, interactions.electron_direction, particles.direction):
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-9)
        assert np.abs(vectors.mean(axis=0)).max() < 5 / np.sqrt(3 * COUNT)
    photons = particles.take(particles.pdg == 22)
    for component in photons.direction.T:
        assert stats.kstest(component, stats.uniform(-1, 2).cdf).pvalue > 1e-3


def test_vertices_fill_the_drift_volumes(made):
    x, y, z = made[0].vertex.T
    assert (np.abs(x) >= WIRE_PLANE_X_CM).all()
    depth = MAX_X_CM - WIRE_PLANE_X_CM
    assert stats.kstest(np.abs(x), stats.uniform(WIRE_PLANE_X_CM, depth).cdf).pvalue > 1e-3
    assert stats.kstest(y, stats.uniform(-MAX_Y_CM, 2 * MAX_Y_CM).cdf).pvalue > 1e-3
    assert stats.kstest(z, stats.uniform(0, DUNE_1X2X2.max_z_cm).cdf).pvalue > 1e-3
    assert np.mean(x > 0) == pytest.approx(0.5, abs=0.04)


def test_delays_are_those_of_isomers(made):
    particles = made[1]
    delayed = particles.take(particles.time > 0)
    assert set(delayed.pdg.tolist()) == {22}
    assert delayed.time.min() > 1e-3
    assert 0.1 < np.median(delayed.time) < 0.6


def test_flat_spectra():
    source = Source("flat", (5.0, 50.0))
    es, _ = make_interactions(np.ones(COUNT, bool), source, np.random.default_rng(2))
    assert stats.kstest(es.electron_energy, stats.uniform(5, 45).cdf).pvalue > 1e-3
    assert (es.nu_energy <= elastic_scattering.FLAT_MAX_NU_ENERGY).all()
    cc, _ = make_interactions(np.zeros(COUNT, bool), source, np.random.default_rng(3))
    assert stats.kstest(cc.nu_energy, stats.uniform(5, 45).cdf).pvalue > 1e-3


def test_energy_ranges_of_a_burst():
    source = Source("gkvm", (10.0, 30.0))
    interactions, _ = make_interactions(MIXED, source, np.random.default_rng(4))
    t, nu_energy = interactions.electron_energy[MIXED], interactions.nu_energy[~MIXED]
    for values in (t, nu_energy):
        assert values.min() >= 10.0
        assert values.max() <= 30.0


def test_a_given_direction():
    source = Source("gkvm", None, (0.0, 3.0, 4.0))
    interactions, _ = make_interactions(MIXED, source, np.random.default_rng(5))
    assert interactions.nu_direction == pytest.approx(np.tile([0.0, 0.6, 0.8], (COUNT, 1)))
    assert interactions.electron_direction[MIXED].mean(axis=0) @ [0, 0.6, 0.8] > 0.7
    assert interactions.electron_direction[~MIXED].mean(axis=0) @ [0, 0.6, 0.8] < 0.1


def test_twins_of_known_events():
    interactions, _ = make_interactions(MIXED, Source(), np.random.default_rng(6))
    twins, particles = given_interactions(
        interactions.is_es == 1,
        Neutrinos(interactions.nu_pdg, interactions.nu_energy + 0.07, interactions.nu_direction),
        Electrons(interactions.electron_energy, interactions.electron_direction),
        interactions.vertex,
        np.random.default_rng(7),
    )
    assert twins.electron_direction.tolist() == interactions.electron_direction.tolist()
    cc = twins.is_es == 0
    assert twins.excitation[cc] == pytest.approx(interactions.excitation[cc] + 0.07)
    outgoing = np.bincount(particles.event, particles.energy) + separation_energy(particles_emitted(particles), COUNT)
    expected = twins.nu_energy - charged_current.MASS_DIFFERENCE_MEV
    assert outgoing[cc] == pytest.approx(expected[cc], abs=1e-9)


def test_expected_events():
    expected = expected_events(FLUENCES["gkvm"], 40.0, 10.0)
    assert sum(expected["es"].values()) == pytest.approx(331.4, rel=0.05)
    assert expected["cc"] == {"nue": pytest.approx(3303)}
    above = expected_events(FLUENCES["livermore"], 40.0, 10.0, min_electron_energy=5.0)
    assert sum(above["es"].values()) == pytest.approx(339.2, rel=0.05)
    assert set(above["es"]) == {"nue", "nuebar", "numu", "numubar", "nutau", "nutaubar"}


@pytest.mark.parametrize("flux", FLUXES)
@pytest.mark.parametrize("is_es", [[], [True], [False]])
def test_few_events(flux, is_es):
    interactions, particles = make_interactions(np.array(is_es, bool), Source(flux), np.random.default_rng(8))
    assert len(interactions) == len(is_es)
    assert len(particles) >= len(is_es)


def test_the_same_generator_state_gives_the_same_bytes():
    first, second = (make_interactions(MIXED, Source("gkvm"), np.random.default_rng(9)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        for field in fields(one):
            assert getattr(one, field.name).tobytes() == getattr(other, field.name).tobytes()


def test_a_list_of_marley_events(tmp_path):
    path = write(tmp_path / "list.ascii", CC_EVENT, ES_EVENT, NEUTRON_EVENT)
    source = Source("flat", (2.0, 60.0), (1.0, 0.0, 0.0), str(path))
    interactions, particles = make_interactions(MIXED, source, np.random.default_rng(10))
    cc = ~MIXED
    assert set(np.round(interactions.nu_energy[cc], 6)) == {20.0, 40.0}
    assert (interactions.is_es == MIXED).all()
    cosine = (interactions.nu_direction * interactions.electron_direction).sum(axis=1)
    from_first = cc & (interactions.nu_energy < 30)
    assert cosine[from_first] == pytest.approx(0.0, abs=1e-12)
    assert cosine[cc & ~from_first] == pytest.approx(1.0)
    counts = np.bincount(particles.event, minlength=COUNT)
    assert set(counts[from_first]) == {3}
    assert set(counts[cc & ~from_first]) == {2}
    assert particles.position.tolist() == interactions.vertex[particles.event].tolist()
    # the second photon of the first event flies along the neutrino
    last = np.cumsum(counts)[from_first] - 1
    assert particles.direction[last] == pytest.approx(np.tile([1.0, 0.0, 0.0], (len(last), 1)))


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"flux": "betelgeuse"}, "flat, gkvm, livermore"),
        ({"energy": (20.0, 10.0)}, "empty"),
        ({"energy": (-1.0, 10.0)}, "empty"),
        ({"energy": (150.0, 160.0)}, "below 100"),
        ({"direction": (0.0, 0.0, 0.0)}, "no direction"),
    ],
)
def test_impossible_sources_are_refused(keywords, words):
    with pytest.raises(ConfigError, match=words):
        Source(**keywords)


def test_impossible_requests_are_refused(tmp_path):
    rng = np.random.default_rng(11)
    with pytest.raises(ConfigError, match=r"below 69\.7 MeV"):
        make_interactions(np.array([True]), Source("flat", (2.0, 70.0)), rng)
    with pytest.raises(ConfigError, match=r"beyond 3\.8 MeV"):
        make_interactions(np.array([False]), Source("gkvm", (1.0, 3.0)), rng)
    path = write(tmp_path / "list.ascii", ES_EVENT)
    with pytest.raises(ConfigError, match="no charged-current event"):
        make_interactions(np.array([False]), Source(marley_file=str(path)), rng)


@pytest.mark.parametrize(("flux", "is_es"), [("livermore", True), ("gkvm", False)])
def test_no_electron_is_beyond_the_tables_of_argon(flux, is_es):
    """The tails of the spectra reach there in a few of 100,000 events."""
    _, particles = make_interactions(np.full(200_000, is_es), Source(flux), np.random.default_rng(1))
    assert particles.energy.max() < GRID_END_MEV


def test_a_flat_range_ends_where_the_simulation_does():
    with pytest.raises(ConfigError, match="end the energy range at 100 MeV"):
        Source(energy=(50.0, 150.0))
    assert Source("gkvm", energy=(50.0, 150.0)).bounds == (50.0, 150.0)
