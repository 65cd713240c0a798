"""Which decays lie near clusters: as far as products reach, on every plane, round the wires, and never without a cluster."""

import numpy as np
import pytest

from python.detector import geometry as g
from python.ingest.clustering import ClusterSettings
from python.ingest.products import ProductSettings
from python.simulation.backgrounds import background_particles
from python.simulation.drift import drift
from python.simulation.near_clusters import Places, least_electrons, near_clusters, places_of_deposits
from python.simulation.response import respond
from python.simulation.transport import set_free, transport
from tests.simulation.test_transport import make_particles

ENOUGH = 50_000.0
REACHED_CM = 50.0
LEFT_OUT_CM = 58.0  # twelve cells of 4.8 cm


def places(position, tick, electrons=0.0, event=0):
    position = np.atleast_2d(np.asarray(position, float))
    everywhere = np.zeros(len(position))
    return Places(everywhere.astype(int) + event, position, everywhere + tick, everywhere + electrons)


def random_places(n, rng):
    x = rng.uniform(g.WIRE_PLANE_X_CM, g.MAX_X_CM, n) * rng.choice([-1, 1], n)
    position = np.stack([x, rng.uniform(-600, 600, n), rng.uniform(0, 463, n)], axis=-1)
    return places(position, rng.uniform(0, g.TICKS_PER_WINDOW, n))


def distances(centre, others):
    """(N, 3, 2) cm along the drift and across the wires of each plane; infinite on wires of other APAs."""
    result = np.full((len(others.event), 3, 2), np.inf)
    apa, own = g.apa_at(*others.position.T[1:]), g.apa_at(*centre.position.T[1:])
    face, own_face = g.face_at(others.position[:, 0]), g.face_at(centre.position[:, 0])
    for plane in range(3):
        if plane == g.X:
            here, across = (apa % 2 == own % 2) & (face == own_face), np.abs(others.position - centre.position)[:, 2]
        else:
            wires = [
                g.wire_coordinate(plane, a, f, p.position[:, 1], p.position[:, 2])
                for a, f, p in ((apa, face, others), (own, own_face, centre))
            ]
            around = np.mod(wires[0] - wires[1], g.WRAP)
            here, across = apa == own, np.minimum(around, g.WRAP - around) * g.PITCH_CM[plane]
        result[here, plane] = np.column_stack([np.abs(others.tick - centre.tick) * g.TICK_CM, across])[here]
    return result


@pytest.mark.parametrize("seed", range(5))
def test_all_within_half_a_metre_of_a_seed_is_near_on_each_plane(seed):
    rng = np.random.default_rng(seed)
    centre = random_places(1, rng)._replace(electrons=np.array([ENOUGH]))
    others = random_places(40_000, rng)
    near = near_clusters(centre, 1, ENOUGH).planes(others)
    distance = distances(centre, others).max(axis=2)
    assert near[distance < REACHED_CM].all()
    assert not near[distance > LEFT_OUT_CM].any()
    assert np.all(near.sum(axis=0) > 20)


def test_only_charge_close_together_in_the_same_event_is_a_seed():
    pair = np.array([[100.0, 200.0, 100.0], [100.0, 202.0, 100.0]])
    near = places(pair[0], 2000)

    def is_near(position, tick, event=0):
        both = places(position, tick, ENOUGH / 2, event)
        return near_clusters(both, 2, ENOUGH).planes(near).any()

    assert is_near(pair, 2000)
    assert is_near(pair + np.array([[0, 0, 0], [0, 100, 0]]), 2000)  # on the same wires of X
    assert not is_near(pair + np.array([[0, 0, 0], [0, 100, 60]]), 2000)
    assert not is_near(pair, np.array([2000, 2200]))
    assert not is_near(pair, 2000, np.array([0, 1]))
    assert not is_near(pair, -100)
    assert not near_clusters(places(pair, 2000, ENOUGH / 2 - 1), 1, ENOUGH).planes(near).any()


def test_a_lower_cut_needs_fewer_electrons():
    usual = least_electrons(ProductSettings())
    assert 0.6 * 2.0 / 23.6e-6 < usual / 0.7 < 2.0 / 23.6e-6  # of 2 MeV, most of which escape recombination
    assert least_electrons(ProductSettings(clusters=ClusterSettings(energy_cut=1.0))) == pytest.approx(usual / 2)
    assert least_electrons(ProductSettings(energy_calibration="older")) < usual


def test_charged_particles_of_photons_and_neutrons_leave_what_these_leave():
    """Deposited energy, with the photons and neutrons followed first and then their electrons, or all at once."""
    particles = make_particles(np.tile([2.6, 0.5, 3e-8], 400), np.tile([22, 11, 2112], 400))
    freed = set_free(particles, np.random.default_rng(1))
    assert set(freed.pdg) <= {11, -11}
    assert np.isin(np.flatnonzero(particles.pdg == 11), freed.event).all()
    parts = [transport(p, np.random.default_rng(2), len(particles))[0] for p in (particles, freed)]
    whole, stepwise = (np.bincount(part.event, part.energy, len(particles)).reshape(-1, 3) for part in parts)
    np.testing.assert_allclose(stepwise[:, 1], whole[:, 1])
    for column in (0, 2):
        error = np.hypot(whole[:, column].std(), stepwise[:, column].std()) / np.sqrt(400)
        assert abs(whole[:, column].mean() - stepwise[:, column].mean()) < 4 * error + 1e-9  # MeV, of rounding


def test_faint_decays_near_clusters_are_those_of_all_that_are_near():
    """As many, as energetic and as evenly distributed as of all decays those that come to lie there."""
    rng, n_events = np.random.default_rng(1), 40
    seeds = random_places(n_events, rng)._replace(event=np.arange(n_events), electrons=np.full(n_events, ENOUGH))
    near = near_clusters(seeds, n_events, ENOUGH)
    every = background_particles(n_events, {"ar39": 1713.0}, rng)
    chosen = background_particles(n_events, {"ar39": 1713.0}, rng, near)

    def here(particles):
        tick = g.drift_ticks(particles.position[:, 0]) + particles.time / g.TICK_US
        return near.planes(Places(particles.event, particles.position, tick, particles.energy))

    assert here(chosen).any(axis=1).all()
    expected = here(every).sum(axis=0)
    assert np.all(np.abs(here(chosen).sum(axis=0) - expected) < 4 * np.sqrt(2 * expected))
    assert chosen.energy.mean() == pytest.approx(every.energy.mean(), rel=0.05)
    assert 0.01 < len(chosen) / len(every) < 0.1


def test_on_planes_where_a_deposit_is_not_wanted_it_is_not_seen():
    deposits, _ = transport(make_particles(np.full(6, 5.0), position=(180.0, 200.0, 100.0)), np.random.default_rng(1))
    planes = np.ones((len(deposits), 3), bool)
    planes[deposits.event == 1] = [True, False, False]
    planes[deposits.event == 2] = [False, True, True]
    planes[deposits.event == 3] = False
    tps, _, _ = respond(drift(deposits, np.random.default_rng(2), planes), 6, np.random.default_rng(3), noise=False)
    seen = [sorted(set(tps.plane[tps.event == event].tolist())) for event in range(6)]
    assert seen == [[0, 1, 2], [0], [1, 2], [], [0, 1, 2], [0, 1, 2]]
    assert len(places_of_deposits(deposits).event) == len(deposits)
