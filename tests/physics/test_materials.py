"""The tables of argon against integrals of the cross-sections that they were made of, and against published figures."""

import numpy as np
import pytest
from scipy import integrate, optimize

from python.physics.constants import ELECTRON_MASS_MEV
from python.physics.materials import (
    ATTENUATION,
    COLLISION_SCALE,
    COMPTON_SHARE,
    DELTA_CUT_MEV,
    DENSITY,
    GRID_POINTS,
    PAIR_SHARE,
    PHOTON_CUT_MEV,
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
    photon_table,
    radiative_stopping,
)

ENERGIES = np.array([0.3, 1.0, 5.0, 20.0, 60.0])


def moller(share, energy):
    """dN/dshare in 1/cm, in the form of two propagators and their interference."""
    gamma = 1 + energy / ELECTRON_MASS_MEV
    beta2 = 1 - 1 / gamma**2
    x, y = 1 / share, 1 / (1 - share)
    bracket = x**2 + y**2 - x * y * (2 * gamma - 1) / gamma**2 + ((gamma - 1) / gamma) ** 2
    return COLLISION_SCALE / beta2 / energy * bracket


@pytest.mark.parametrize("energy", ENERGIES)
def test_delta_rays_are_the_integrals_of_mollers_cross_section(energy):
    number, loss = delta_rays(np.array([energy]))
    assert number[0] == pytest.approx(integrate.quad(moller, DELTA_CUT_MEV / energy, 0.5, (energy,))[0], rel=1e-6)
    expected = integrate.quad(lambda share: share * energy * moller(share, energy), DELTA_CUT_MEV / energy, 0.5)[0]
    assert loss[0] == pytest.approx(expected, rel=1e-6)


def test_there_are_no_delta_rays_below_twice_their_cut():
    number, loss = delta_rays(DELTA_CUT_MEV * np.array([0.1, 1, 2]))
    np.testing.assert_allclose(number, 0, atol=1e-12)
    np.testing.assert_allclose(loss, 0, atol=1e-12)


@pytest.mark.parametrize("energy", ENERGIES)
def test_photons_carry_the_radiative_stopping_power(energy):
    def spectrum(photon):
        y = photon / energy
        return radiative_stopping(energy) / energy * (4 / 3 * (1 - y) + y**2) / photon

    number, soft = bremsstrahlung(np.array([energy]))
    assert number[0] == pytest.approx(integrate.quad(spectrum, PHOTON_CUT_MEV, energy)[0], rel=1e-6)
    hard = integrate.quad(lambda photon: photon * spectrum(photon), PHOTON_CUT_MEV, energy)[0]
    assert soft[0] + hard == pytest.approx(radiative_stopping(energy), rel=1e-6)


def test_soft_and_hard_losses_add_up_to_the_stopping_power():
    table, energy = electron_table(), energy_grid()
    assert table.shape == (GRID_POINTS, 4)
    hard_radiation = radiative_stopping(energy) - bremsstrahlung(energy)[1]
    total = table[:, SOFT_LOSS] + delta_rays(energy)[1] + hard_radiation
    np.testing.assert_allclose(total, collision_stopping(energy) + radiative_stopping(energy), rtol=1e-12)
    assert (table[:, SOFT_LOSS] > 0).all()


def test_stopping_powers_are_those_of_estar():
    """Figures of liquid argon, MeV cm2/g."""
    np.testing.assert_allclose(
        collision_stopping(np.array([0.1, 1, 10, 50])) / DENSITY, [2.918, 1.370, 1.556, 1.715], rtol=1e-3
    )
    np.testing.assert_allclose(
        radiative_stopping(np.array([1.0, 10, 50])) / DENSITY, [0.0275, 0.3595, 2.192], rtol=2e-3
    )


def test_critical_energy_is_that_of_the_particle_data_group():
    """Rossi's definition, loss by collisions of E in a radiation length: 32.84 MeV in liquid argon."""
    critical = optimize.brentq(lambda energy: collision_stopping(energy) * RADIATION_LENGTH_CM - energy, 5, 80)
    assert critical == pytest.approx(32.84, rel=0.01)


def test_range_is_the_integral_of_the_inverse_stopping_power():
    for energy in (0.05, 1.0, 30.0):
        step = integrate.quad(
            lambda t: 1 / (collision_stopping(t) + radiative_stopping(t)), energy, 2 * energy, limit=200
        )[0]
        assert np.diff(csda_range(np.array([energy, 2 * energy])))[0] == pytest.approx(step, rel=1e-3)


def test_photon_numbers_on_the_way_to_rest():
    """Photons above 0.1 and 1 MeV by an electron that slows down continuously, by an independent integration."""
    grid = np.geomspace(0.02, 40, 4000)
    stopping = collision_stopping(grid) + radiative_stopping(grid)
    for cut, expected in ((0.1, (0.79, 1.8, 3.7)), (1.0, (0.27, 0.77, 1.8))):
        rate = bremsstrahlung(grid, cut)[0] / stopping
        for energy, number in zip((10.0, 20.0, 40.0), expected, strict=True):
            below = grid <= energy
            assert np.trapezoid(rate[below], grid[below]) == pytest.approx(number, rel=0.06)


@pytest.mark.parametrize(
    ("energy", "path", "compton", "pair"),
    [
        (0.5, 9.1, 0.0782, 0),
        (1.46, 15.1, 0.0473, 0.0002),
        (2, 17.6, 0.0398, 0.0009),
        (10, 29.2, 0.0139, 0.0106),
        (40, 26.8, 0.0048, 0.0219),
    ],
)
def test_photon_coefficients_are_those_of_xcom(energy, path, compton, pair):
    table, position = photon_table(), grid_position(energy)
    attenuation = lookup(table, ATTENUATION, position)
    assert 1 / attenuation == pytest.approx(path, rel=0.01)
    assert lookup(table, COMPTON_SHARE, position) * attenuation / DENSITY == pytest.approx(compton, rel=0.01)
    assert lookup(table, PAIR_SHARE, position) * attenuation / DENSITY == pytest.approx(pair, abs=1e-4)


def test_energies_beyond_the_grid_take_its_ends():
    table = electron_table()
    for energy, row in ((1e-9, 0), (0.0, 0), (1e3, -1)):
        assert lookup(table, SOFT_LOSS, grid_position(energy)) == pytest.approx(table[row, SOFT_LOSS], rel=1e-6)
