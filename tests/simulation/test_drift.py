"""Electrons from deposits to wires: how many, where and when."""

import numpy as np
import pytest

from python.detector.geometry import (
    CHANNELS_PER_APA,
    CHANNELS_PER_CM_Y,
    PITCH_CM,
    TICK_CM,
    WIRE_PLANE_X_CM,
    WRAP,
    U,
    V,
    X,
    apa_at,
    drift_ticks,
    expected_channel,
    face_at,
    locate_channel,
    wire_coordinate,
    y_of_induction_channel,
)
from python.simulation import drift as module
from python.simulation.drift import diffusion_cm, drift, recombination_factor
from python.simulation.records import Deposits

MIP_MEV_CM = 2.1


def make_deposits(position, energy=1.0, event=0, time=0.0, is_signal=True, dedx=MIP_MEV_CM) -> Deposits:
    position = np.atleast_2d(np.asarray(position, float))
    n = len(position)
    energy = np.broadcast_to(np.asarray(energy, float), n)
    return Deposits(
        event=np.broadcast_to(np.asarray(event, np.int64), n),
        particle=np.zeros(n, np.int64),
        position=position,
        energy=energy,
        length=energy / dedx,
        time=np.broadcast_to(np.asarray(time, float), n),
        is_signal=np.broadcast_to(is_signal, n),
        from_photon=np.zeros(n, bool),
    )


def random_positions(n: int, rng: np.random.Generator) -> np.ndarray:
    """Positions away from the borders of the APAs."""
    y = rng.uniform(5, 600, n) * rng.choice([-1, 1], n)
    z = rng.uniform(3, 228, n) + 232.4 * rng.integers(6, size=n)
    return np.stack([rng.uniform(20, 350, n) * rng.choice([-1, 1], n), y, z], axis=1)


@pytest.fixture
def point_charges(monkeypatch):
    """No diffusion and an infinite lifetime."""
    for name in ("DIFFUSION_ALONG_CM2_US", "DIFFUSION_ACROSS_CM2_US"):
        monkeypatch.setattr(module, name, 0.0)
    monkeypatch.setattr(module, "LIFETIME_US", np.inf)


def test_recombination_of_a_minimum_ionising_particle():
    """Modified box by hand at 2.1 MeV/cm; the highest value is that of the reference files' edge; heavy ionisation recombines."""
    density = 0.212 * 2.1 / (1.396 * 0.5)
    assert recombination_factor(np.array(2.1)) == pytest.approx(np.log(0.93 + density) / density)
    assert recombination_factor(np.array(2.1)) == pytest.approx(0.694, abs=0.015)
    many = recombination_factor(np.linspace(0, 50, 5001))
    assert many.max() == pytest.approx(0.716, abs=0.001)
    assert np.all(np.diff(many[200:]) < 0)
    assert many[0] == many[100] > 0.69


@pytest.mark.usefixtures("point_charges")
def test_all_electrons_arrive_on_each_plane():
    rng = np.random.default_rng(1)
    deposits = make_deposits(random_positions(300, rng), energy=rng.uniform(0.001, 3, 300))
    charge = drift(deposits, rng)
    expected = deposits.energy.sum() / 23.6e-6 * recombination_factor(np.array(MIP_MEV_CM))
    plane = locate_channel(charge.channel).plane
    on_plane = np.bincount(plane, charge.electrons)
    assert on_plane[0] == on_plane[1] == on_plane[2] == pytest.approx(expected, rel=1e-3)
    assert np.array_equal(charge.electrons, charge.signal_electrons)
    assert np.all(charge.electrons == np.rint(charge.electrons))


def test_electrons_die_with_the_lifetime():
    near, far = (
        drift(make_deposits([[x, 100, 100]] * 50), np.random.default_rng(2)).electrons.sum() for x in (50, 350)
    )
    assert far / near == pytest.approx(np.exp(-300 / 0.160578 / 9400), rel=2e-3)


@pytest.mark.usefixtures("point_charges")
def test_the_number_of_electrons_fluctuates_like_a_binomial():
    charge = drift(make_deposits([[100, 100, 100]] * 4000, event=np.arange(4000)), np.random.default_rng(3))
    electrons = charge.electrons[locate_channel(charge.channel).plane == X]
    share = recombination_factor(np.array(MIP_MEV_CM))
    assert electrons.mean() == pytest.approx(share / 23.6e-6, rel=1e-3)
    assert electrons.var() == pytest.approx(share * (1 - share) / 23.6e-6, rel=0.1)


def test_few_electrons_are_not_rounded_away():
    deposits = make_deposits([[100, 100, 100]] * 20000, energy=1e-5)
    drifted = drift(deposits, np.random.default_rng(4)).electrons.sum() / 3
    assert drifted == pytest.approx(20000 * 1e-5 / 23.6e-6 * 0.705 * np.exp(-0.596 / 9.4), rel=0.03)


@pytest.mark.usefixtures("point_charges")
def test_charge_lands_on_the_expected_channels_and_ticks():
    """All APAs, both faces."""
    rng = np.random.default_rng(5)
    position = random_positions(2000, rng)
    time = rng.uniform(0, 500, 2000)
    charge = drift(make_deposits(position, event=np.arange(2000), time=time), rng)
    place = locate_channel(charge.channel)
    assert np.array_equal(np.unique(place.apa * 2 + (position[charge.event, 0] > 0)), np.arange(24))
    assert np.array_equal(place.apa, apa_at(position[charge.event, 1], position[charge.event, 2]))
    for plane in (U, V, X):
        mine = place.plane == plane
        assert np.array_equal(charge.event[mine], np.arange(2000))
        assert np.array_equal(place.local[mine], expected_channel(plane, *position.T))
    assert np.array_equal(charge.tick, np.rint(drift_ticks(position[:, 0]) + time / 0.5)[charge.event])


def test_charge_is_sorted_and_every_place_appears_once():
    rng = np.random.default_rng(6)
    deposits = make_deposits(random_positions(3000, rng), event=rng.integers(7, size=3000), energy=0.1)
    charge = drift(deposits, rng)
    order = np.lexsort((charge.tick, charge.channel, charge.event))
    assert np.array_equal(order, np.arange(len(charge)))
    assert len(np.unique(np.stack([charge.event, charge.channel, charge.tick]), axis=1).T) == len(charge)


@pytest.mark.usefixtures("point_charges")
def test_induction_wires_come_round():
    """A deposit on the last channel of U or V and one a pitch further, on the first."""
    for plane in (U, V):
        z = np.full(2, 100.0)
        y = y_of_induction_channel(plane, np.zeros(2, int), np.full(2, -1), np.full(2, WRAP - 1.0), z)
        y[1] = y[0] + 1 / CHANNELS_PER_CM_Y  # of the wire's other end, 640 cm away, the next channel
        charge = drift(make_deposits(np.stack([[-100, -100], y, z], axis=1), event=[0, 1]), np.random.default_rng(7))
        place = locate_channel(charge.channel)
        assert place.local[place.plane == plane].tolist() == [WRAP - 1, 0]


@pytest.mark.parametrize("x", [-60.0, 180.0, 350.0])
def test_diffusion_widths(x):
    """Mean and variance of the displacement in time and across the wires of all planes; a bin adds the twelfth of its square."""
    rng = np.random.default_rng(8)
    position = random_positions(2000, rng)
    position[:, 0] = x + rng.uniform(-0.5, 0.5, 2000)
    charge = drift(make_deposits(position, event=np.arange(2000)), rng)
    along, across = diffusion_cm(np.array(x))
    assert along == pytest.approx(np.sqrt(2 * 4.0e-6 * (abs(x) - 10) / 0.160578))
    assert across == pytest.approx(np.sqrt(2 * 8.8e-6 * (abs(x) - 10) / 0.160578))
    place, source = locate_channel(charge.channel), position[charge.event]
    late = charge.tick - drift_ticks(source[:, 0])
    assert np.average(late, weights=charge.electrons) == pytest.approx(0, abs=0.02)
    assert np.average(late**2, weights=charge.electrons) == pytest.approx((along / TICK_CM) ** 2 + 1 / 12, rel=0.02)
    for plane in (U, V, X):
        mine = place.plane == plane
        place_of_source = wire_coordinate(
            plane, place.apa[mine], face_at(source[mine, 0]), source[mine, 1], source[mine, 2]
        )
        aside = (place.local[mine] - place_of_source + WRAP / 2) % WRAP - WRAP / 2
        assert np.average(aside, weights=charge.electrons[mine]) == pytest.approx(0, abs=0.02)
        variance = np.average(aside**2, weights=charge.electrons[mine])
        assert variance == pytest.approx((across / PITCH_CM[plane]) ** 2 + 1 / 12, rel=0.04)


def test_charge_is_lost_outside_the_sensitive_volume():
    inside = [100, 100, 100]
    beside = [
        [WIRE_PLANE_X_CM - 0.1, 100, 100],  # between the wire planes
        [-WIRE_PLANE_X_CM + 0.1, 100, 100],
        [364, 100, 100],  # behind the cathode
        [100, 610, 100],
        [100, 100, 231.5],  # between two APAs, where there are no wires
        [100, 100, -1],
        [100, 100, 464],
    ]
    events = np.arange(1 + len(beside))
    charge = drift(make_deposits([inside, *beside], event=events), np.random.default_rng(9))
    assert np.unique(charge.event).tolist() == [0]


@pytest.mark.usefixtures("point_charges")
def test_charge_is_lost_outside_the_readout_window():
    last = WIRE_PLANE_X_CM + 5999 * TICK_CM
    assert last > 363  # so only late deposits can come too late
    ticks = drift_ticks(100.0)
    time = (np.array([5998.9, 6000.1]) - ticks) * 0.5
    charge = drift(make_deposits([[100, 100, 100]] * 2, event=[0, 1], time=time), np.random.default_rng(10))
    assert np.unique(charge.event).tolist() == [0]
    assert np.unique(charge.tick).tolist() == [5999]


@pytest.mark.parametrize(("y", "share"), [(0.001, 0.0), (1.75, 0.5), (2.5, 1.0), (599.65, 0.5), (601, 0.0)])
def test_charge_is_collected_where_there_are_wires(y, share):
    """Between the APAs and at their far ends nothing is collected; at the border half of what spreads."""
    deposits = make_deposits([[300, sign * y, 100] for sign in (-1, 1)] * 50)
    inside = make_deposits([[300, sign * 100, 100] for sign in (-1, 1)] * 50)
    collected, everything = (drift(each, np.random.default_rng(11)).electrons.sum() for each in (deposits, inside))
    assert collected / everything == pytest.approx(share, abs=0.02)


@pytest.mark.usefixtures("point_charges")
def test_signal_electrons_are_counted_apart():
    position = [[100, 100, 100]] * 3
    charge = drift(
        make_deposits(position, energy=[1, 2, 1], is_signal=np.array([True, False, False])), np.random.default_rng(1)
    )
    assert charge.signal_electrons / charge.electrons == pytest.approx(np.full(3, 0.25), rel=0.01)


def test_same_seed_same_bytes_and_inputs_untouched():
    deposits = make_deposits(random_positions(200, np.random.default_rng(12)))
    before = deposits.position.copy()
    first, second, other = (drift(deposits, np.random.default_rng(seed)) for seed in (1, 1, 2))
    for name in ("event", "channel", "tick", "electrons", "signal_electrons"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert first.electrons.tobytes() != other.electrons.tobytes()
    assert np.array_equal(before, deposits.position)


def test_packets_hardly_add_to_the_fluctuation_of_a_wire():
    """A track of 10 MeV along z: the charge of a wire fluctuates by less than 2.5 % from one simulation to the next."""
    n = 400
    position = np.stack([np.full(n, 250.0), np.full(n, 300.0), np.linspace(50, 54.7, n)], axis=1)
    deposits = make_deposits(position, energy=10 / n)
    wires = np.stack([_by_channel(drift(deposits, np.random.default_rng(seed))) for seed in range(40)])
    full = wires.mean(axis=0) > 20000
    assert full.sum() > 8
    assert np.median(wires[:, full].std(axis=0) / wires[:, full].mean(axis=0)) < 0.025


def _by_channel(charge) -> np.ndarray:
    on_x = locate_channel(charge.channel).plane == X
    return np.bincount(charge.channel[on_x] % CHANNELS_PER_APA, charge.electrons[on_x], minlength=CHANNELS_PER_APA)


def test_no_deposits_give_no_charge():
    nothing = make_deposits(np.zeros((1, 3)))  # between the wire planes
    assert len(drift(nothing, np.random.default_rng(0))) == 0
    assert len(drift(nothing.take(np.zeros(0, int)), np.random.default_rng(0))) == 0
