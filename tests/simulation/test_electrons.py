"""Electrons against stopping powers, ranges and radiation yields, and their scattering against theory and Highland's formula."""

import math

import numpy as np
import pytest
from numba import njit
from scipy import integrate, stats

from python.detector.geometry import DUNE_1X2X2
from python.physics.constants import ELECTRON_MASS_MEV
from python.physics.materials import (
    DELTA_CUT_MEV,
    RADIATION_LENGTH_CM,
    SOFT_LOSS,
    bremsstrahlung,
    collision_stopping,
    csda_range,
    delta_rays,
    electron_table,
    energy_grid,
    grid_position,
    lookup,
    radiative_stopping,
)
from python.simulation.electrons import (
    SCATTERING_MEV2_CM,
    STEP_CM,
    follow_electron,
    knock_on,
    photon_energy,
    scatter,
    screening,
    soft_loss,
    straight_length,
    violent_event,
)
from python.simulation.tracks import (
    DEPOSIT_COLUMNS,
    DEPOSIT_ENERGY,
    DEPOSIT_LENGTH,
    ELECTRON,
    ENERGY,
    KIND,
    MAX_Z,
    PHOTON,
    TRACK_COLUMNS,
    Deposited,
    Stack,
    U,
    V,
    W,
)


def new_track(energy: float, kind: float = ELECTRON) -> np.ndarray:
    track = np.zeros(TRACK_COLUMNS)
    track[:3] = 150.0, 0.0, 150.0
    track[W], track[ENERGY], track[KIND], track[MAX_Z] = 1.0, energy, kind, DUNE_1X2X2.max_z_cm
    return track


def follow(energy: float, rng) -> tuple[np.ndarray, np.ndarray]:
    """Deposits of an electron alone, and what it put on the stack."""
    stack, deposited = Stack(np.empty((5000, TRACK_COLUMNS)), 0), Deposited(np.empty((8, DEPOSIT_COLUMNS)), 0)
    stack, deposited, lost = follow_electron(new_track(energy), 0, stack, deposited, electron_table(), rng)
    assert lost == 0
    return deposited.rows[: deposited.written], stack.tracks[: stack.depth]


@njit
def directions_after(energy, length, steps, count, rng):
    """(count, 3) directions of tracks along z after `length` cm without loss of energy."""
    result = np.empty((count, 3))
    for i in range(count):
        track = np.zeros(TRACK_COLUMNS)
        track[W] = 1.0
        for _ in range(steps):
            scatter(track, energy, length / steps, rng)
        result[i, 0], result[i, 1], result[i, 2] = track[U], track[V], track[W]
    return result


def projected_angles(energy, length, count=20_000):
    u, v, w = directions_after(energy, length, round(length / 0.03), count, np.random.default_rng(5)).T
    return np.concatenate([np.arctan2(u, w), np.arctan2(v, w)])


def highland(energy, length):
    """G. R. Lynch and O. I. Dahl, Nucl. Instrum. Meth. B 58, 6 (1991), as the Particle Data Group gives it."""
    momentum2 = energy * (energy + 2 * ELECTRON_MASS_MEV)
    beta = math.sqrt(momentum2) / (energy + ELECTRON_MASS_MEV)
    x = length / RADIATION_LENGTH_CM
    return 13.6 / (math.sqrt(momentum2) * beta) * math.sqrt(x) * (1 + 0.038 * math.log(x / beta**2))


@pytest.mark.parametrize("energy", [0.2, 2.0, 20.0])
@pytest.mark.parametrize("steps", [1, 10])
def test_mean_cosine_is_that_of_the_cross_section(energy, steps):
    """It falls as exp(-path / transport mean free path), however the path is divided."""
    length = 0.02 * energy
    a, momentum2_beta2, beta2 = screening(energy)

    def moment(log_mu):
        mu = math.exp(log_mu)
        return a * mu**2 * (1 - beta2 * mu) / (mu + a) ** 2

    rate = SCATTERING_MEV2_CM / (momentum2_beta2 * a) * integrate.quad(moment, math.log(a) - 20, 0, limit=200)[0]
    cosine = directions_after(energy, length, steps, 20_000, np.random.default_rng(1))[:, 2]
    # the spin is left out of the many weak scatterings, where it is a part in a hundred at most
    tolerance = 4 * cosine.std() / math.sqrt(len(cosine)) + 0.01 * (1 - cosine.mean())
    assert cosine.mean() == pytest.approx(math.exp(-2 * rate * length), abs=tolerance)


@pytest.mark.parametrize(
    ("energy", "length"), [(5.0, 0.5), (10.0, 0.5), (10.0, 1.0), (20.0, 1.0), (40.0, 0.5), (40.0, 1.0)]
)
def test_central_width_is_highlands(energy, length):
    """Of a Gaussian, the central 98 % have 0.94 of its width; Highland's formula holds to 11 %."""
    angles = projected_angles(energy, length)
    core = angles[np.abs(angles) < np.quantile(np.abs(angles), 0.98)]
    cut = stats.norm.ppf(0.99)
    width = core.std() / math.sqrt(1 - 2 * cut * stats.norm.pdf(cut) / 0.98)
    assert width == pytest.approx(highland(energy, length), rel=0.13)
    assert np.quantile(np.abs(angles), 0.6827) == pytest.approx(highland(energy, length), rel=0.1)


def test_tail_is_that_of_single_scattering():
    """Beyond 4.5 widths: Rutherford's 1/theta^4 projected, chi_c^2 / (2 theta^2) on both sides, against a Gaussian's nothing."""
    energy, length = 40.0, 0.5
    angles = np.abs(projected_angles(energy, length, 60_000))
    far = 4.5 * highland(energy, length)
    _, momentum2_beta2, _ = screening(energy)
    chi_c2 = 4 * SCATTERING_MEV2_CM * length / momentum2_beta2
    assert np.mean(angles > far) > 100 * 2 * stats.norm.sf(4.5)
    # single scattering on top of the others is more likely far out, by some ten per cent
    assert np.mean(angles > far) / (chi_c2 / (2 * far**2)) == pytest.approx(1.15, abs=0.25)


def test_azimuths_are_uniform():
    u, v, _ = directions_after(10.0, 0.5, 10, 20_000, np.random.default_rng(2)).T
    azimuth = np.arctan2(v, u) / (2 * np.pi) + 0.5
    assert stats.kstest(azimuth, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("energy", [0.4, 3.0, 40.0])
def test_samples_of_violent_events_have_the_means_of_their_tables(energy):
    rng = np.random.default_rng(3)
    number, loss = delta_rays(np.array([energy]))
    deltas = np.array([knock_on(energy, rng) for _ in range(20_000)])
    assert deltas.min() >= DELTA_CUT_MEV
    assert deltas.max() <= energy / 2
    assert deltas.mean() == pytest.approx(loss[0] / number[0], abs=4 * deltas.std() / 141)
    photons = np.array([photon_energy(energy, rng) for _ in range(20_000)])
    number, soft = bremsstrahlung(np.array([energy]))
    assert photons.mean() == pytest.approx(
        (radiative_stopping(energy) - soft[0]) / number[0], abs=4 * photons.std() / 141
    )


def test_knocked_on_electrons_leave_by_two_body_kinematics():
    rng = np.random.default_rng(4)
    stack = Stack(np.empty((10, TRACK_COLUMNS)), 0)
    for _ in range(50):
        track = new_track(10.0)
        assert violent_event(track, 1.0, stack, rng).depth == 1
        delta = stack.tracks[0]
        assert track[ENERGY] + delta[ENERGY] == pytest.approx(10.0)
        momentum, delta_momentum = (math.sqrt(t * (t + 2 * ELECTRON_MASS_MEV)) for t in (10.0, delta[ENERGY]))
        rest = math.sqrt(momentum**2 + delta_momentum**2 - 2 * momentum * delta_momentum * delta[W])
        # the momentum that is left is that of an electron with the energy that is left
        assert rest == pytest.approx(math.sqrt(track[ENERGY] * (track[ENERGY] + 2 * ELECTRON_MASS_MEV)))


@pytest.mark.parametrize("energy", [0.5, 2.0, 20.0])
def test_soft_loss_has_the_mean_of_the_table_and_the_variance_of_bohr(energy):
    rng, table, length = np.random.default_rng(5), electron_table(), 0.01
    losses = np.array([soft_loss(energy, length, table, rng) for _ in range(20_000)])
    assert losses.mean() == pytest.approx(length * lookup(table, SOFT_LOSS, grid_position(energy)), rel=0.015)
    beta2 = 1 - (1 + energy / ELECTRON_MASS_MEV) ** -2
    # 0.1535 MeV cm2/g x Z/A x density: the spectrum of losses w is that over beta^2 w^2, up to the cut
    bohr = 0.1535 * 18 / 39.948 * 1.396 * length * DELTA_CUT_MEV * (1 / beta2 - DELTA_CUT_MEV / (2 * energy))
    assert losses.var() == pytest.approx(bohr, rel=0.08)
    assert losses.min() > 0


@pytest.mark.parametrize("energy", [0.5, 1.0, 5.0])
def test_mean_path_is_the_csda_range(energy):
    rng = np.random.default_rng(6)
    deposits = [follow(energy, rng)[0] for _ in range(600)]
    ends = csda_range(np.array([each[-1, DEPOSIT_ENERGY] for each in deposits]))
    paths = np.array([STEP_CM * (len(each) - 1) for each in deposits]) + ends
    assert paths.mean() == pytest.approx(csda_range(np.array([energy]))[0], rel=0.03)


def test_lengths_of_deposits_are_straight():
    """Short of the path by what scattering bends it: hardly at 10 MeV, by half where the electron stops."""
    rng = np.random.default_rng(9)
    fast = follow(10.0, rng)[0][0, DEPOSIT_LENGTH]
    assert 0.998 * STEP_CM < fast < STEP_CM
    for energy, low, high in ((0.02, 0.30, 0.36), (0.15, 0.5, 0.55)):
        (stop,) = follow(energy, rng)[0]
        assert low < stop[DEPOSIT_LENGTH] / csda_range(np.array([energy]))[0] < high
    # a random flight much longer than its mean free path spreads as its root
    one, four = straight_length(0.2, 1.0), straight_length(0.2, 4.0)
    assert four / one == pytest.approx(2.0, rel=0.02)


@pytest.mark.parametrize("energy", [10.0, 20.0, 40.0])
def test_radiation_yield(energy):
    """The share of the energy that the electron itself radiates, against the continuous slowing down of ESTAR's definition."""
    rng = np.random.default_rng(7)
    grid = energy_grid()[energy_grid() <= energy]
    total = collision_stopping(grid) + radiative_stopping(grid)
    expected = np.trapezoid(radiative_stopping(grid) / total, grid)
    soft = np.trapezoid(bremsstrahlung(grid)[1] / total, grid)
    stacks = [follow(energy, rng)[1] for _ in range(1500)]
    radiated = np.array([stack[stack[:, KIND] == PHOTON, ENERGY].sum() for stack in stacks])
    assert radiated.mean() + soft == pytest.approx(expected, rel=0.1 + 2 * radiated.std() / math.sqrt(1500) / expected)


def test_mean_loss_along_the_first_millimetres():
    rng = np.random.default_rng(8)
    first = np.concatenate([follow(2.0, rng)[0][:8] for _ in range(600)])
    loss = first[:, DEPOSIT_ENERGY].sum() / first[:, DEPOSIT_LENGTH].sum()
    # between 2 MeV and where a few tenths of it are lost, the table is flat
    assert loss == pytest.approx(lookup(electron_table(), SOFT_LOSS, grid_position(1.8)), rel=0.015)
